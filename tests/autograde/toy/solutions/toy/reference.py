"""What the hidden tests of the toy need."""


def expected_double(number):
    return number * 2


def ask(function, *args):
    try:
        return function(*args)
    except NotImplementedError:
        raise NotAttempted(f"{function.__name__} is still the stub.") from None  # noqa: F821
