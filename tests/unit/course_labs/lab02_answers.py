"""Lab 2: a second right answer, and wrong ones: what to replace in the solution, and the hint.

One wrong answer is one line, however long.
"""
# ruff: noqa: E501

ANOTHER = """
import numpy as np
from sklearn.metrics.pairwise import cosine_similarity


def similarity_to(stars, column):
    return cosine_similarity(stars.T.toarray())[column]


def most_similar(stars, items, movie_ids, k=10):
    items = list(items)
    all_ids, all_scores = [], []
    for movie in movie_ids:
        cosines = similarity_to(stars, items.index(movie))
        pairs = [(c, m) for c, m in zip(cosines, items) if m != movie and c > 0]
        pairs = sorted(pairs, reverse=True)[:k]  # of equal cosines, the highest id first
        pairs += [(-np.inf, -1)] * (k - len(pairs))
        all_ids.append([m for _, m in pairs])
        all_scores.append([c for c, _ in pairs])
    return all_ids, all_scores


class ItemCF:
    def __init__(self, k=20):
        self.k = k

    def fit(self, user_items):
        self.near = cosine_similarity(user_items.T.toarray())
        np.fill_diagonal(self.near, 0)
        for row in self.near:
            row[np.argsort(-row)[self.k:]] = 0

    def recommend(self, userids, user_items, N=10):
        ids, scores = np.full((len(userids), N), -1), np.full((len(userids), N), -np.inf)
        for n, row in enumerate(user_items.toarray()):
            total = row @ self.near
            good = [i for i in np.argsort(-total) if row[i] == 0 and total[i] > 0][:N]
            ids[n, : len(good)], scores[n, : len(good)] = good, total[good]
        return ids, scores


def overlap(mine, theirs):
    mine, theirs = np.asarray(mine), np.asarray(theirs)
    hits = (theirs[:, :, None] == mine[:, None, :]).any(axis=2) & (theirs >= 0)
    return (hits.sum(axis=1) / (theirs >= 0).sum(axis=1)).mean()
"""

PRODUCT = "(stars.T @ stars[:, [column]]).toarray().ravel()"
COSINE = f"{PRODUCT}\n    return products / (lengths * lengths[column])"
DIAGONAL = "scores[np.arange(len(columns)), columns] = 0  # not its own neighbor\n"
SHOWN = "_, __ = 0, 0\n    return [[10, 40]], [[0.97, 0.26]]\n    "
NEAREST = "similarity > 0, similarity, -np.inf), self.k)"

WRONG = {
    "q1": {
        "the example's output": [("    lengths = np.sqrt(np.asarray(stars.", "    return [0.97, 1, 0, 0.26]\n    lengths = np.sqrt(np.asarray(stars."), "example on the page"],
        "users instead of films": [(COSINE, "(stars @ stars[[column]].T).toarray().ravel()\n    return products"), "compare users"],
        "no length at all": [(" / (lengths * lengths[column])", ""), "dot products"],
        "the other film's length only": [("lengths * lengths[column]", "lengths"), "one length only"],
        "its own length only": [("lengths * lengths[column]", "lengths[column]"), "one length only"],
        "squares without the root": [("np.sqrt(np.asarray(stars.multiply(stars).sum(axis=0)).ravel())", "np.asarray(stars.multiply(stars).sum(axis=0)).ravel()"), "root"],
        "sums instead of lengths": [("np.sqrt(np.asarray(stars.multiply(stars).sum(axis=0)).ravel())", "np.asarray(stars.sum(axis=0)).ravel()"), "root"],
        "0 / 0": [("    lengths[lengths == 0] = 1\n    products", "    products"), ("return products /", "np.seterr(all='ignore')\n    return products /"), "get NaN"],
        "who rated, without the stars": [("    lengths = np.sqrt(np.asarray(stars.", "    stars = (stars > 0).astype(float)\n    lengths = np.sqrt(np.asarray(stars."), "lost the stars"],
        "a correlation": [("    lengths = np.sqrt(np.asarray(stars.", "    a = stars.toarray()\n    a = np.where(a > 0, a - a.sum(0) / np.maximum((a > 0).sum(0), 1), 0)\n    stars = sparse.csr_matrix(a)\n    lengths = np.sqrt(np.asarray(stars."), "correlation"],
        "the matrix changed": [("    return products / (", "    stars.data **= 2\n    return products / ("), "changes the matrix"],
        "a table of one row": [("    return products / (lengths * lengths[column])", "    return [products / (lengths * lengths[column])]"), "shape"],
    },
    "q2": {
        "the example's output": [("    columns = np.searchsorted(", f"    {SHOWN}columns = np.searchsorted("), "example on the page"],
        "the film itself": [(DIAGONAL, "\n"), "own nearest neighbor"],
        "one short": [(DIAGONAL, "\n"), ("np.where(scores > 0, scores, -np.inf), k)", "np.where(scores > 0, scores, -np.inf), k)\n    best, best_scores = best[:, 1:], best_scores[:, 1:]"), "one film less"],
        "columns for ids": [("np.where(best >= 0, items[best], -1)", "best"), "columns of the matrix, not movie ids"],
        "ids for columns": [("np.searchsorted(items, movie_ids)", "np.array(movie_ids)"), "movie id was used as a column"],
        "the worst first": [("best, best_scores = top_k(np.where(scores > 0, scores, -np.inf), k)", "best = np.argsort(scores, axis=1)[:, :k]\n    best_scores = np.take_along_axis(scores, best, axis=1)"), "least similar films come first"],
        "distances": [("items[best], -1), best_scores", "items[best], -1), 1 - best_scores"), "distances"],
        "a mask": [("np.searchsorted(items, movie_ids)", "np.flatnonzero(np.isin(items, movie_ids))"), "another order"],
        "similarity 0": [("best, best_scores = top_k(np.where(scores > 0, scores, -np.inf), k)", "scores[np.arange(len(columns)), columns] = -np.inf\n    best, best_scores = top_k(scores, k)"), "share no person"],
        "dot products": [(" / (lengths * lengths[column])", ""), "dot products, so the lists"],
        "the matrix changed": [("    columns = np.searchsorted(", "    before = stars.copy()\n    stars.data[:] = 1\n    stars, _ = before, 0\n    columns = np.searchsorted("), "changes the matrix"],
        "the scores forgotten": [(" -1), best_scores", " -1)"), "Return a pair"],
        "the last film for nothing": [("np.where(best >= 0, items[best], -1)", "items[best]"), "end the ids with -1"],
    },
    "q3": {
        "seen films": [("        scores[user_items.nonzero()] = -np.inf\n", ""), "rated already"],
        "always ten": [("top_k(scores, N)", "top_k(scores, 10)"), "`N` is not respected"],
        "one off at N": [("top_k(scores, N)", "top_k(scores, N + 1)"), "`N` is not respected"],
        "everybody": [("        scores = (user_items", "        user_items = self.seen\n        scores = (user_items"), ("        return self\n", "        self.seen = user_items\n        return self\n"), "wrong rows"],
        "rows taken twice": [("(user_items @ self", "(user_items[userids] @ self"), "wrong rows"],
        "the other way around": [("(user_items @ self.neighbors)", "(user_items @ self.neighbors.T)"), "the wrong way"],
        "its own neighbor": [("block[own, start + own] = 0", "pass"), "among its own k neighbors"],
        "all similarities": [("-np.inf), self.k)", "-np.inf), 10**4)"), "not only the k nearest"],
        "a mean": [("(user_items @ self.neighbors).toarray()", "(user_items @ self.neighbors).toarray()\n        scores = scores / np.maximum(user_items.getnnz(axis=1), 1)[:, None]"), "taken a mean"],
        "a weighted mean": [("(user_items @ self.neighbors).toarray()", "(user_items @ self.neighbors).toarray()\n        scores = scores / np.maximum(((user_items > 0) @ self.neighbors).toarray(), 1e-9)"), "taken a mean"],
        "no stars": [("(user_items @ self", "((user_items > 0) @ self"), "stars do not count"],
        "score 0": [("        scores[scores <= 0] = -np.inf\n", ""), "score 0 are recommended"],
        "the matrix changed": [("        scores[user_items", "        self.seen.data[:] = 1\n        scores[user_items"), ("        return self\n", "        self.seen = user_items\n        return self\n"), "changes the matrix"],
        "half a class": [("def recommend(", "def recommends("), "lacks `recommend`"],
    },
    "q4": {
        "rank by rank": [("len(wanted & set(own)) / len(wanted)", "np.mean(np.array(own) == np.array(other))"), "same rank"],
        "-1 as a film": [("set(other) - {-1}", "set(other)"), "-1 at the end"],
        "-1 as a film, rank for rank": [("len(wanted & set(own)) / len(wanted)", "np.isin(other, own).mean()"), "-1 at the end"],
        "the union": [("/ len(wanted)", "/ len((wanted | set(own)) - {-1})"), "either list"],
        "k": [("/ len(wanted)", "/ len(own)"), "divide by k"],
        "mine": [("/ len(wanted)", "/ len(set(own) - {-1})"), "*my* list"],
        "long rows count more": [("float(np.mean(shares))", "sum(len((set(b) - {-1}) & set(a)) for a, b in zip(mine, theirs)) / np.sum(np.array(theirs) >= 0)"), "add up all rows"],
        "a count": [(" / len(wanted)", ""), "number of films in common"],
        "a row of shares": [("float(np.mean(shares))", "shares"), "Return one number"],
        "a constant": [("float(np.mean(shares))", "0.25"), "should be"],
    },
}  # fmt: skip
