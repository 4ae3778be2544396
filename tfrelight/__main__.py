"""`python -m tfrelight` is the command `tfrelight`."""

from tfrelight.commands import main

if __name__ == "__main__":
    main.main()
