"""The reading grade of a text: words, syllables, sentences, and what a reader sees of Markdown."""

import pytest

from distance_to_care.problems import Problem
from distance_to_care.publication import plain_words

NUMBERS = {"drive": "1,124.5 (39 to 51)", "share": "15"}


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("drive", 1), ("hospital", 3), ("centre", 2), ("people", 2), ("deprivation", 4),
        # A plural and a possessive that the dictionary has not; a word that it has not at all.
        ("pirfenidones", 4), ("England's", 2), ("England’s", 2), ("nintedanib", 4),
        # Letters are named one by one.
        ("IPF", 3), ("GW", 4),
        # A number is one word of one syllable.
        ("1,124.5", 1), ("7", 1),
    ],
)  # fmt: skip
def test_syllables(word, count):
    assert plain_words.syllables(word) == count


def test_the_grade_is_that_of_flesch_and_kincaid():
    # Ten words, twelve syllables, two sentences.
    read = ["The cat sat on the mat.", "It was very happy."]
    expected = 0.39 * 10 / 2 + 11.8 * 12 / 10 - 15.59
    assert plain_words.reading_grade(read) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("It takes {number}`drive` minutes.", ["It takes 1,124.5 (39 to 51) minutes."]),
        ("A {holds}`longer when [a] > [b]` drive.", ["A longer drive."]),
        ("See {term}`ratios <hazard ratio>` {cite}`cox1972`.", ["See ratios."]),
        (
            "**Sure.** See [the list](a.md#b). It is ours.",
            ["Sure.", "See the list.", "It is ours."],
        ),
        ("- One of 1.5 cats.\n\n- Two.", ["One of 1.5 cats.", "Two."]),
        ("Far. {number}`drive` of them.", ["Far.", "1,124.5 (39 to 51) of them."]),
    ],
)
def test_markdown_is_read_as_a_reader_sees_it(text, read):
    assert plain_words.as_read(text, NUMBERS) == read


def test_a_number_that_is_not_filed_is_named():
    with pytest.raises(Problem, match="'lost'"):
        plain_words.as_read("It takes {number}`lost` minutes.", NUMBERS)


def test_a_layer_is_what_stands_between_its_fences():
    text = "# A\n\n::::{in-30-seconds}\nOne.\n\n:::{note}\nTwo.\n:::\n::::\n\n:::{note}\nNo.\n:::\n"
    assert plain_words.layer(text) == "One.\n\n:::{note}\nTwo.\n:::"
    assert plain_words.layer(text, "in-3-minutes") is None
    with pytest.raises(Problem, match="no end"):
        plain_words.layer("# A\n\n:::{in-30-seconds}\nOne.\n")


def test_the_hardest_sentence_is_found_and_the_command_names_it(tmp_path, capsys):
    easy = "The drive is long."
    hard = "Interstitial investigations necessitate multidisciplinary deliberation."
    page = tmp_path / "page.md"
    page.write_text(f"# A\n\n:::{{in-30-seconds}}\n{easy}\n:::\n")
    assert plain_words.main([str(page)]) == 0
    page.write_text(f"# A\n\n:::{{in-30-seconds}}\n{easy}\n{hard}\n:::\n")
    assert plain_words.main([str(page)]) == 1
    said = capsys.readouterr().out
    assert hard in said
    assert easy not in said.splitlines()[-1]
    page.write_text("# A\n")
    assert plain_words.main([str(page)]) == 1
    (tmp_path / "broken.ipynb").write_text("{")
    for name in ("gone.md", "broken.ipynb"):
        assert plain_words.main([str(tmp_path / name), str(page)]) == 1
        assert name in capsys.readouterr().out
    assert plain_words.main([]) == 1
