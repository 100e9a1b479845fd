"""`python -m distance_to_care` is `distance-to-care`."""

from distance_to_care.command_line import main

main()
