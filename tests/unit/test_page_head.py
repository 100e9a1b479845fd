"""What a page says of itself: its own first sentences, short, whole words, nothing folded away."""

import pytest
from lxml import html as markup

from distance_to_care.publication import page_head

QUESTION = "Do people who live further from the clinic live less long?"
LAYER = (
    "<section id='in-30-seconds'><h2>In 30 seconds</h2><p>We do not know.\nOne study says so. "
    "It is a long study, about which a great many words could be said here, and they are.</p>"
    "</section>"
)


def page(body: str, head: str = "<title>Survival by distance — Book</title>"):
    return markup.document_fromstring(
        f"<html lang='en-GB'><head><meta charset='utf-8'>{head}</head>"
        f"<body><article class='bd-article'><section id='a'><h1>T</h1>{body}</section></article>"
        "</body></html>"
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (f"<p>{QUESTION}</p>", QUESTION),
        # A banner, a bar of links and what is folded away are not the page's own sentences.
        (f"<div class='kind-banners'><p>Published figures, from papers.</p></div><p>{QUESTION}</p>",
         QUESTION),
        (f"<p>Read: <a href='#a'>30 seconds</a> <a href='#b'>in full</a></p><p>{QUESTION}</p>",
         QUESTION),
        (f"<details><p>Of 100 people 30 are alive.</p></details><p>{QUESTION}</p>", QUESTION),
        # Nor is what a term means, which stands beside it out of sight.
        (f"<p>{QUESTION.removesuffix('?')}<span role='tooltip'>Live: not die.</span>?</p>",
         QUESTION),
        # The question, then the layer of 30 seconds as far as it fits, and nothing below it.
        (f"<p>{QUESTION}</p>{LAYER}<p>Of 100 people 30 are alive.</p>",
         f"{QUESTION} We do not know. One study says so."),
        (f"<p>This page is for families.</p><p>{QUESTION}</p>{LAYER}",
         f"{QUESTION} We do not know. One study says so."),
        # Without a layer a page goes on by itself, and labels are left out.
        (f"<p>{QUESTION}</p><p><strong>Answer.</strong> Yes, though only a little.</p>",
         f"{QUESTION} Yes, though only a little."),
        # A question that comes too late to be reached stands first.
        (f"<p>{'A word ' * 20}of the beginning.</p><p>{QUESTION}</p>", QUESTION),
        # What has only parts begins with the first of them; a colon is no end.
        ("<section><h2>One</h2><p>Please cite the book so:</p></section>",
         "Please cite the book so."),
    ],
)  # fmt: skip
def test_a_description_is_the_first_sentences_of_its_page(body, told):
    assert page_head.description(page(body)) == told


def test_a_long_sentence_is_cut_at_a_word_and_outside_brackets():
    words = "In towns the poorest are nearer by car and in the country they are not " * 2
    told = page_head.description(page(f"<p>{words}(car ownership not included).</p>"))
    assert len(told) <= page_head.LONGEST
    assert told.endswith(" …")
    assert "(" not in told
    assert words.startswith(told.removesuffix(" …"))


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        (f"How far is it {'and farther ' * 9}by car, and how sure is any of that {'at all ' * 5}?",
         f"How far is it {'and farther ' * 9}by car?"),
        (f"If {'it were so ' * 9}in towns, how much would it save, and what would {'it ' * 9}?",
         f"If {'it were so ' * 9}in towns, how much would it save?"),
        # No question before it has asked something.
        (f"If {'it were so ' * 9}in towns, how much would it save {'for all of us ' * 6}?", None),
        (f"It is {'very ' * 24}far; for some it is farther {'than that ' * 6}.",
         f"It is {'very ' * 24}far."),
        # A half of brackets is no part, and what a statement goes on to say, no question.
        (f"It is {'very ' * 24}far (in towns; and farther {'than that ' * 6}).", None),
        (f"It is {'very ' * 24}far, which is farther {'than that ' * 6}.", None),
    ],
)  # fmt: skip
def test_a_long_sentence_ends_after_a_part_of_its_own(sentence, told):
    found = page_head.description(page(f"<p>{sentence}</p>"))
    assert found.endswith(" …") if told is None else found == told


def test_a_shortened_question_is_followed_by_what_still_fits():
    question = f"How far is it by car, and how sure is any of that {'at all ' * 20}?"
    told = page_head.description(page(f"<p>{question}</p>{LAYER}"))
    assert told.startswith("How far is it by car? We do not know. One study says so.")


def test_search_engines_and_previews_are_told_the_same():
    tree = page(f"<p>{QUESTION}</p>", "<title>Survival — Book</title><meta name='description'>")
    told = page_head.complete(tree, "Book", "https://example.org/a.html")
    assert told == QUESTION
    assert tree.xpath("//meta[@name='description']/@content") == [QUESTION]
    og = {m.get("property"): m.get("content") for m in tree.xpath("//meta[@property]")}
    assert og == {
        "og:title": "Survival",
        "og:description": QUESTION,
        "og:type": "article",
        "og:site_name": "Book",
        "og:locale": "en_GB",
        "og:url": "https://example.org/a.html",
    }
    # Again, and where no address is known: nothing twice, and no address.
    page_head.complete(tree, "Book")
    assert len(tree.xpath("//meta[@name='description']")) == 1
    assert not tree.xpath("//meta[@property='og:url' or @property='og:image']")


def test_a_page_without_a_sentence_is_described_by_its_title():
    assert page_head.complete(page("<ul><li>x</li></ul>"), "Book") == "Survival by distance – Book"
