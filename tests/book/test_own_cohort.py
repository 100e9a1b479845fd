"""A site from other people's data: into a folder of their own, with their banner."""

from background import accepted

from distance_to_care import places, results


def test_a_registry_extract_gets_its_own_site(build_of_an_extract):
    done, output = build_of_an_extract.done, build_of_an_extract.site.parent
    assert done.returncode == 0, done.stderr
    page = (output / "html" / "notebooks" / "survival_by_distance.html").read_text("utf-8")
    assert results.BANNERS["registry"] in page
    assert results.BANNERS["synthetic"] not in page
    assert "registry people" in page
    # The page about the synthetic cohort says that it is not part of this site.
    about = (output / "html" / "notebooks" / "synthetic_cohort.html").read_text("utf-8")
    assert "not part of a site that was built from other people" in about
    everything = "".join(
        p.read_text("utf-8", errors="ignore") for p in output.rglob("*") if p.is_file()
    )
    assert "canary_" not in everything
    assert accepted(build_of_an_extract.copy) == accepted(places.ROOT)
