"""What each lab tells its student while they work: cases, sentences, hints and pictures, never an answer."""
