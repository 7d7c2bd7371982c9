"""What a fitted model consists of, by name: enough to make another that gives the same answers."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from course_utils.errors import DataError

SHAPE = ("n_users", "n_items")


class Restorable:
    """A model that is its arguments and what fitting learned, and says what that is.

    Attributes
    ----------
    learned
        The names of the attributes that ``fit`` assigns, beside the shape. A class that can be
        saved names its own, also one that is derived from another.
    """

    learned: ClassVar[tuple[str, ...]] = ()
    n_users: int = 0
    n_items: int = 0

    def state(self) -> dict[str, Any]:
        """Return what the model consists of.

        Returns
        -------
        dict
            By name the arguments, the shape and what was learned: plain values, arrays, sparse
            matrices, models, and lists of these. Nothing is copied.

        Raises
        ------
        DataError
            When the model is not fitted, or its class does not say what it learns.
        """
        self._need_fitted()
        kind = type(self)
        if "learned" not in vars(kind):
            raise DataError(
                f"{kind.__name__} does not say what it consists of, so it cannot be saved; give "
                "the class a line such as learned = ('weights',), the names of the attributes "
                "that fit assigns."
            )
        missing = [name for name in kind.learned if not hasattr(self, name)]
        if missing:
            raise DataError(
                f"{kind.__name__} names {missing[0]!r} among what it learned and has no such "
                "attribute; assign it in _fit, or take it out of `learned`."
            )
        try:
            arguments = self._arguments()
        except AttributeError as error:
            raise DataError(
                f"{kind.__name__} does not keep its argument {error.name!r} under its own name; "
                f"assign self.{error.name} in __init__."
            ) from None
        return arguments | {name: getattr(self, name) for name in (*SHAPE, *kind.learned)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Make the model of which :meth:`state` was taken.

        Parameters
        ----------
        state
            What `state` returned. Its arrays become the model's own.

        Raises
        ------
        DataError
            When names are missing or unknown, or an argument is out of range.
        """
        arguments = [name for name in inspect.signature(cls).parameters if name in state]
        learned = [*SHAPE, *cls.learned]
        different = {*arguments, *learned} ^ {*state}
        if different:
            raise DataError(
                f"A saved {cls.__name__} and this version's differ in {min(different)!r}; fit the "
                "model again and save it."
            )
        model = cls(**{name: state[name] for name in arguments})
        for name in learned:
            setattr(model, name, state[name])
        return model

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self._arguments().items())
        return f"{type(self).__name__}({arguments})"

    def _arguments(self) -> dict[str, Any]:
        """Return the arguments that make the model, unfitted; kept under their own names."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def _need_fitted(self) -> None:
        if not self.n_items:
            raise DataError(
                f"The model {type(self).__name__} is not fitted; call model.fit(train) first."
            )
