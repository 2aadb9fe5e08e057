"""Wrong and right answers to the toy lab."""

from autograde.mutants import Mutant, RightAnswer

MUTANTS = [
    Mutant("squares", "double", loses=2, told="For 3 the answer is 6, yours is 9.", code="double = lambda x: x * x"),
    Mutant(
        "forgets negatives",
        "roots",
        loses=2,
        told="1 of 2 lists are right.",
        code="def roots(numbers):\n    return [abs(x) ** 0.5 for x in numbers]",
    ),
]
RIGHT_ANSWERS = [RightAnswer("multiplies", "double", "def double(x):\n    return 2 * x")]
