"""Clusters: those that are there, where and since when they are; nothing where nothing is; missing is not quiet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from aggregate.unusual.cells import neighbours
from aggregate.unusual.evidence import MOST_EVIDENCE, Evidence, dispersion, evidence_of, weighted_median
from aggregate.unusual.growth import Growth
from aggregate.unusual.scan import Cluster, scan
from aggregate.unusual.scan_null import Deal, ScanNull, ScanNulls, best_by_chance
from aggregate.unusual.time_correlation import TimeCorrelation, matrices

SIDE = 15
PLACES = SIDE * SIDE
WINDOWS = 40
DISTRICT = [a * SIDE + b for a in range(5, 8) for b in range(5, 8)]


@pytest.fixture(scope="module")
def around() -> NDArray[np.int64]:
    """The up to 21 nearest within 550 m, on a grid of places 200 m apart."""
    north, east = np.divmod(np.arange(PLACES), SIDE)
    return neighbours(51.5 + north * 0.0018, -0.1 + east * 0.00288, within_m=550.0, most=21)


@pytest.fixture(scope="module")
def nulls() -> ScanNulls:
    return ScanNulls(replicates=199)


def city(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(observed, expected, spread) of negative-binomial counts around 2 to 20, variance / mean 1.5 to 6."""
    random = np.random.default_rng(seed)
    expected = np.repeat(random.uniform(2.0, 20.0, (PLACES, 1)), WINDOWS, axis=1)
    counts = random.poisson(expected * random.gamma(4.0, 1 / 4.0, expected.shape)).astype(np.float64)
    spread = np.sqrt(expected + expected**2 / 4.0) / (2.0 * np.sqrt(expected + 3 / 8))
    return counts, expected, spread


@pytest.mark.parametrize(("factor", "direction"), [(2.0, 1), (0.3, -1)])
def test_a_planted_cluster_is_found_where_and_since_when_it_is(
    factor: float, direction: int, around: NDArray[np.int64], nulls: ScanNulls
) -> None:
    observed, expected, spread = city(11)
    observed[DISTRICT, -4:] = np.round(observed[DISTRICT, -4:] * factor)
    clusters = scan(observed, expected, spread, around, nulls=nulls)
    first = clusters[0]
    assert first.direction == direction
    assert first.p < 0.01
    assert abs(first.since - (WINDOWS - 4)) <= 1
    assert len(set(first.places) & set(DISTRICT)) >= 7
    assert len(set(first.places) - set(DISTRICT)) <= 4
    assert first.observed == observed[list(first.places), first.since :].sum()
    mean = expected + spread**2
    assert first.expected == pytest.approx(mean[list(first.places), first.since :].sum())
    assert first.ratio == pytest.approx(factor, rel=0.3)
    assert first.ratio_low < first.ratio < first.ratio_high
    assert (first.ratio_low > 1) if direction == 1 else (first.ratio_high < 1)


def test_further_clusters_share_no_place_with_a_better_one(around: NDArray[np.int64], nulls: ScanNulls) -> None:
    observed, expected, spread = city(12)
    other = [place + 6 * SIDE for place in DISTRICT]
    observed[DISTRICT, -4:] *= 2.5
    observed[other, -6:] *= 0.2
    clusters = scan(observed, expected, spread, around, nulls=nulls)
    assert [one.direction for one in clusters[:2]] in ([1, -1], [-1, 1])
    places = [place for one in clusters for place in one.places]
    assert len(places) == len(set(places))
    assert [one.score for one in clusters] == sorted((one.score for one in clusters), reverse=True)


def test_a_lost_camera_is_not_a_quiet_street(around: NDArray[np.int64], nulls: ScanNulls) -> None:
    observed, expected, spread = city(13)
    observed[DISTRICT, -6:] = np.nan
    assert scan(observed, expected, spread, around, nulls=nulls) == ()
    observed[DISTRICT, -6:] = 0.0
    assert scan(observed, expected, spread, around, nulls=nulls)[0].direction == -1


def test_what_the_whole_city_does_is_no_cluster(around: NDArray[np.int64], nulls: ScanNulls) -> None:
    observed, expected, spread = city(14)
    observed[:, -6:] = np.round(observed[:, -6:] * 0.7)
    assert scan(observed, expected, spread, around, nulls=nulls) == ()


def test_a_place_that_always_deviates_is_no_news(around: NDArray[np.int64], nulls: ScanNulls) -> None:
    """Every expectation errs by 30 % or so, all the time: with the windows taken for independent this would be full of
    clusters."""
    observed, expected, spread = city(15)
    wrong = expected * np.exp(0.3 * np.random.default_rng(1).standard_normal((PLACES, 1)))
    assert scan(observed, wrong, spread, around, nulls=nulls) == ()


def test_the_order_of_the_places_does_not_matter(around: NDArray[np.int64], nulls: ScanNulls) -> None:
    observed, expected, spread = city(11)
    observed[DISTRICT, -4:] *= 2.0
    order = np.random.default_rng(0).permutation(PLACES)
    moved = np.argsort(order)
    rows = np.where(around[order] < 0, -1, moved[around[order]])
    there = scan(observed, expected, spread, around, nulls=nulls)[0]
    here = scan(observed[order], expected[order], spread[order], rows, nulls=nulls)[0]
    assert sorted(order[list(here.places)].tolist()) == sorted(there.places)
    assert here.score == pytest.approx(there.score)


def test_too_little_to_calibrate_by_finds_nothing(around: NDArray[np.int64], nulls: ScanNulls) -> None:
    lost = np.full((PLACES, WINDOWS), np.nan)
    assert scan(lost, lost, lost, around, nulls=nulls) == ()
    observed, expected, spread = city(11)
    one = (slice(0, 3), slice(None))
    assert scan(observed[one], expected[one], spread[one], np.arange(3)[:, None], nulls=nulls) == ()


def test_the_score_is_the_likelihood_ratio_worked_out_by_hand() -> None:
    """Independent windows, gain 1: B and C of a duration are the sum and number of its windows."""
    scores = np.array([[0.5, 1.0, 2.0], [np.nan, 3.0, np.nan]])
    evidence = evidence_of(scores, np.ones((2, 3)), np.stack([np.eye(3)] * 2), (1, 2, 3))
    assert evidence.for_change == pytest.approx(np.array([[2.0, 3.0, 3.5], [0.0, 3.0, 3.0]]))
    assert evidence.information == pytest.approx(np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 1.0]]))


def test_a_window_before_takes_away_what_it_shares_with_the_last() -> None:
    """Two windows that share half: the last counts less half of the one before, B = (x2 - x1 / 2) / (3/4)."""
    share = matrices(np.full((1, 2), np.sqrt(0.5)), TimeCorrelation(0.0, 0.7, 0.5))
    evidence = evidence_of(np.array([[1.0, 3.0]]), np.ones((1, 2)), share, (1, 2))
    assert evidence.for_change[0] == pytest.approx([(3 - 0.5) / 0.75, (1 + 3) / 1.5])
    assert evidence.information[0] == pytest.approx([1 / 0.75, 2 / 1.5])


def test_regions_are_running_sums_along_the_nearest() -> None:
    growth = Growth(np.array([[0, 2, 1], [1, 2, -1], [2, 1, 0]]))
    assert growth.sums(np.array([[1.0], [10.0], [100.0]]))[:, :, 0].tolist() == [
        [1, 101, 111],
        [10, 110, 110],
        [100, 110, 111],
    ]
    assert growth.members(1, 2).tolist() == [1, 2]


def unit(places: int, scale: float = 1.0, seed: int = 1) -> Evidence:
    """Evidence of one duration and an information of 1 in each place."""
    drawn = np.random.default_rng(seed).standard_normal((places, 1)) * scale
    return Evidence(drawn, np.ones((places, 1)))


def test_one_place_scores_by_chance_half_a_square_of_what_is_dealt() -> None:
    """Only one of 99 places is in a region: the mean of its best scores is half that of all squares."""
    rows = np.full((99, 1), -1)
    rows[0, 0] = 0
    stretches = [unit(99), unit(99, 2.0, seed=2)]
    best = best_by_chance(Growth(rows), stretches, np.arange(99), 1e-9, replicates=3000, seed=1)
    squares = np.concatenate([np.square(one.for_change) for one in stretches])
    assert best.mean() == pytest.approx(squares.mean() / 2, rel=0.1)
    assert np.quantile(best, 0.95) == pytest.approx(np.quantile(squares, 0.95) / 2, rel=0.15)


def test_chance_deals_each_evidence_of_a_stretch_once_among_those_that_know_as_much() -> None:
    """Two groups, of 100 counters that know 1 and 100 that know 4, in 50 places: dealt, the sums stay as they are."""
    information = np.repeat([1.0, 4.0], 100)[:, None]
    stretches = [Evidence(np.full((200, 1), level) * np.sqrt(information), information) for level in (1.0, -2.0)]
    of = np.arange(200) % 50
    dealt = Deal(stretches, of, 51).dealt(np.random.default_rng(1), 30)
    assert dealt.shape == (51, 30, 1)
    assert not dealt[50].any()
    assert set(np.round(dealt[0, :, 0], 4).tolist()) == {6.0, -12.0}
    mixed = Evidence(np.random.default_rng(2).standard_normal((200, 1)) * np.sqrt(information), information)
    again = Deal([mixed], of, 50).dealt(np.random.default_rng(3), 5)[:, :, 0]
    assert again.sum(axis=0) == pytest.approx(np.full(5, mixed.for_change.sum()), rel=1e-4)
    assert np.ptp(again, axis=1).min() > 0


def test_counters_that_know_nothing_are_dealt_nothing() -> None:
    half = Evidence(np.array([[1.0], [0.0], [-1.0]]), np.array([[1.0], [0.0], [1.0]]))
    dealt = Deal([half], np.arange(3), 3).dealt(np.random.default_rng(1), 20)
    assert not dealt[1].any()
    assert (dealt[[0, 2]] != 0).all()
    nothing = Evidence(np.zeros((3, 1)), np.zeros((3, 1)))
    assert len(best_by_chance(Growth(np.arange(3)[:, None]), [nothing], np.arange(3), 1.0, replicates=9, seed=1)) == 0


def test_a_best_score_that_chance_reaches_often_is_given_up_early() -> None:
    growth, of = Growth(np.arange(50)[:, None]), np.arange(50)
    nulls = ScanNulls(replicates=60)
    assert len(best_by_chance(growth, [unit(50)], of, 1.0, replicates=60, seed=1, highest=0.1)) < 60
    assert nulls.of(growth, [unit(50)], of, 1.0, highest=0.1) is None
    assert nulls.of(growth, [unit(50, seed=2)], of, 1.0, highest=30.0) is not None


def test_evidence_that_varied_more_than_it_should_is_held_against_that() -> None:
    """Three stretches of 400 places with twice the variance: a dispersion of 2, and half the information."""
    stretches = [unit(400, np.sqrt(2.0), seed) for seed in (1, 2, 3)]
    times = dispersion(stretches)
    assert times == pytest.approx([2.0], rel=0.1)
    assert dispersion([one.wider(times) for one in stretches]) == pytest.approx([1.0])
    assert stretches[0].wider(times).information == pytest.approx(np.full((400, 1), 1 / times[0]))
    assert dispersion([Evidence(np.zeros((3, 1)), np.zeros((3, 1)))]).tolist() == [1.0]


def test_what_all_share_and_what_one_counter_raves_is_no_evidence_of_its_own() -> None:
    """A factor of 1.5 all over, C = 4: B is 4 log(1.5) too large in each; one counter is 20 standard deviations off."""
    drawn = np.random.default_rng(6).standard_normal((101, 1)) * 2.0
    drawn[0] = 40.0
    one = Evidence(drawn + 4.0 * np.log(1.5), np.full((101, 1), 4.0)).of_its_own()
    assert one.for_change[1:] == pytest.approx(drawn[1:] - np.median(drawn))
    assert one.for_change[0, 0] == pytest.approx(2.0 * MOST_EVIDENCE)
    few = Evidence(np.ones((4, 1)), np.ones((4, 1)))
    assert few.of_its_own().for_change.tolist() == few.for_change.tolist()


def test_half_of_the_weights_lie_below_the_weighted_median() -> None:
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 1.0])) == 2
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.array([5.0, 1.0, 1.0])) == 3


def test_p_values_are_those_of_the_gumbel_distribution() -> None:
    null = ScanNull(location=8.0, scale=1.2)
    drawn = np.random.default_rng(3).gumbel(8.0, 1.2, 20_000)
    fitted = ScanNull.of(drawn)
    assert fitted.location == pytest.approx(8.0, abs=0.05)
    assert fitted.scale == pytest.approx(1.2, abs=0.03)
    assert null.p(8.0) == pytest.approx(1 - np.exp(-1))
    assert null.p(null.score(0.05)) == pytest.approx(0.05)
    assert 0 < null.p(40.0) < 1e-11


def test_counters_of_one_place_add_their_evidence_not_their_people(around: NDArray[np.int64], nulls: ScanNulls) -> None:
    """Beside each counter stands one that sees 50 times the people: as sums of people, nothing would be found."""
    observed, expected, spread = city(11)
    observed[DISTRICT, -4:] *= 2.0
    loud = np.random.default_rng(4).poisson(50.0 * city(16)[0]).astype(np.float64)
    tables = (np.vstack([observed, loud]), np.vstack([expected, 50.0 * expected]))
    wide = np.vstack([spread, np.sqrt(50.0) * spread])
    of = np.tile(np.arange(PLACES), 2)
    first = scan(*tables, wide, around, nulls=nulls, of=of)[0]
    assert len(set(first.places) & set(DISTRICT)) >= 7
    both = np.isin(of, first.places)
    assert first.observed == tables[0][both, first.since :].sum()


def test_one_place_alone_is_no_region(around: NDArray[np.int64], nulls: ScanNulls) -> None:
    observed, expected, spread = city(11)
    assert all(len(one.places) > 1 for one in scan(observed, expected, spread, around, nulls=nulls, level=0.9))
    alone = np.arange(PLACES)[:, None]
    observed[DISTRICT, -4:] *= 5.0
    assert scan(observed, expected, spread, alone, nulls=nulls) == ()
    assert Growth(np.array([[0, 1], [1, -1]]), 2).scaled(np.ones((2, 1)), 2.0)[:, :, 0].tolist() == [[0, 0.5], [0, 0]]


def test_the_same_question_has_the_same_answer(around: NDArray[np.int64]) -> None:
    observed, expected, spread = city(11)
    observed[DISTRICT, -4:] *= 2.0
    asked = ScanNulls(replicates=60)
    first = scan(observed, expected, spread, around, nulls=asked)
    assert scan(observed, expected, spread, around, nulls=asked) == first
    assert scan(observed, expected, spread, around, nulls=ScanNulls(replicates=60)) == first


def test_a_ratio_is_of_what_was_seen_and_what_is_usual() -> None:
    cluster = Cluster((1, 2), 3, 1, 30.0, 15.0, 1.5, 2.6, 9.0, 0.01)
    assert cluster.ratio == 2
    assert replace(cluster, observed=15.0).ratio == 1
