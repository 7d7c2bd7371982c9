"""Batches of texts: each text once, little padding, never more tokens than allowed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.text.transformer import token_batches


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=200),
    st.integers(1, 300),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]),
)
def test_every_text_once_within_both_bounds(lengths, tokens, padding):
    batches = list(token_batches(lengths, tokens, padding))
    sizes = np.array(lengths)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        width = sizes[batch].max()
        assert len(batch) == 1 or len(batch) * width <= tokens
        assert 1 - sizes[batch].sum() / (len(batch) * width) <= padding + 1e-12
    longest = [int(sizes[batch].max()) for batch in batches]
    assert longest == sorted(longest, reverse=True)


def test_no_padding_means_equal_lengths():
    batches = [batch.tolist() for batch in token_batches([3, 5, 3, 5, 4], 100, padding=0)]
    assert batches == [[1, 3], [4], [0, 2]]


def test_some_padding_saves_batches():
    lengths = [10] * 9 + [9] * 9
    assert len(list(token_batches(lengths, 1000, padding=0.0))) == 2
    assert len(list(token_batches(lengths, 1000, padding=0.1))) == 1


@pytest.mark.parametrize(("tokens", "sizes"), [(12, [4, 4, 1]), (3, [1] * 9), (1, [1] * 9)])
def test_the_number_of_tokens_bounds_a_batch(tokens, sizes):
    assert [len(batch) for batch in token_batches([3] * 9, tokens)] == sizes
