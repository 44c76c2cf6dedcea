"""``python -m tollspan_rater`` is the command ``tollspan``."""

from tollspan_rater.cli.main import main

if __name__ == "__main__":
    main()
