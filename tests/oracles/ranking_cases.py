"""Lists and relevant items to compare on, and how peers want to be given them."""

import numpy as np
from hypothesis import strategies as st
from scipy import sparse

# (n_items, columns of the lists, share of items that are relevant)
SHAPES = [
    (1, 1, 0.5), (1, 4, 1.0), (2, 3, 0.5), (3, 10, 0.6), (5, 5, 1.0), (7, 12, 0.3), (10, 1, 0.2),
    (12, 12, 0.5), (20, 5, 0.05), (30, 10, 0.9), (50, 20, 0.1), (80, 7, 0.4), (200, 10, 0.01),
    (300, 25, 0.05), (60, 60, 0.5), (400, 30, 0.2),
]  # fmt: skip


def lists_of(rng, n_users, n_items, columns, holes=True):
    """Draw lists without repeats: full, cut short, empty and, if asked for, with holes in them."""
    lists = np.full((n_users, columns), -1)
    filled = min(n_items, columns)
    lists[:, :filled] = rng.random((n_users, n_items)).argsort(axis=1)[:, :filled]
    ends = rng.choice([columns, 0], p=[0.9, 0.1], size=n_users)
    short = rng.random(n_users) < 0.4
    ends[short] = rng.integers(0, columns + 1, short.sum())
    lists[np.arange(columns) >= ends[:, None]] = -1
    if holes:
        lists[(rng.random(lists.shape) < 0.2) & (rng.random((n_users, 1)) < 0.3)] = -1
    return lists


def relevant_of(rng, n_users, n_items, share):
    """Draw relevant items; one user in ten has none and one in ten all."""
    liked = rng.random((n_users, n_items)) < share
    liked[rng.random(n_users) < 0.1] = False
    liked[rng.random(n_users) < 0.1] = True
    return sparse.csr_matrix(liked.astype(np.float32))


def drawn(shape, n_users, seed, holes=True):
    """Return the lists and the relevant items of one shape."""
    n_items, columns, share = shape
    rng = np.random.default_rng(seed)
    lists = lists_of(rng, n_users, n_items, columns, holes)
    return lists, relevant_of(rng, n_users, n_items, share)


@st.composite
def cases(draw):
    """Let hypothesis choose every number: shapes, lists, holes and relevant items."""
    n_users, n_items = draw(st.integers(1, 12)), draw(st.integers(1, 8))
    columns = draw(st.integers(1, 10))
    one_list = st.permutations(range(n_items)).flatmap(
        lambda order: st.integers(0, n_items).map(lambda end: order[:end])
    )
    lists = np.full((n_users, columns), -1)
    for row in lists:
        items = draw(one_list)[:columns]
        places = sorted(draw(st.permutations(range(columns)))[: len(items)])
        row[places] = items
    liked = draw(st.lists(st.booleans(), min_size=n_users * n_items, max_size=n_users * n_items))
    return lists, sparse.csr_matrix(np.reshape(liked, (n_users, n_items)).astype(np.float32))


def user(row):
    """Name a user so that names sort as rows do."""
    return f"u{row:06d}"


def as_qrels(relevant):
    """Return {user: {item: 1}} of the users with something relevant."""
    rows = ((user(row), relevant[[row]].indices) for row in range(relevant.shape[0]))
    return {name: {f"i{item}": 1 for item in items} for name, items in rows if len(items)}


def as_run(lists):
    """Return {user: {item: score}}, scores falling, without users who get nothing.

    A hole becomes an item that nobody knows, which every peer counts as a miss; what stands
    after the last item is left out.
    """
    run = {}
    for row, items in enumerate(lists):
        end = int(np.max(np.nonzero(items >= 0)[0], initial=-1)) + 1
        names = [
            f"i{item}" if item >= 0 else f"hole{rank}" for rank, item in enumerate(items[:end])
        ]
        if names:
            run[user(row)] = {name: float(end - rank) for rank, name in enumerate(names)}
    return run


class Fixed:
    """A model to implicit's protocol that recommends what it is given."""

    def __init__(self, lists):
        self.lists = lists

    def recommend(self, userids, user_items, N=10, **_):
        ids = self.lists[userids, :N].astype(np.int32)
        return ids, np.zeros(ids.shape, dtype=np.float32)
