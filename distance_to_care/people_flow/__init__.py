"""Follow people through the code of a notebook, by its syntax tree.

A cohort's table of people, and everything computed from it, is about people until a page has
published it. Knowing this of every name serves two ends: a chapter can be redrawn outside from
released tables, without the statements that need people; and a chapter that would print, save or
show people is refused before it runs.
"""

from distance_to_care.people_flow.flow import About, Flow
from distance_to_care.people_flow.redrawing import without_people
from distance_to_care.people_flow.refusals import violations

__all__ = ["About", "Flow", "violations", "without_people"]
