"""How large the result is to be, and why some sizes cannot be."""

from dataclasses import dataclass

from tools.sample.activity import LEAST

MOST_ITEMS = 1_000_000  # `exposure.chosen` packs positions into so many bits
MOST_USERS = 2**31 - 1  # ids are int32


class SizeError(ValueError):
    """A size that cannot be made; the message says in one sentence why."""


@dataclass(frozen=True)
class Size:
    """How many people, films and ratings there are to be, exactly."""

    users: int
    items: int
    ratings: int

    def validate(self) -> None:
        """Raise a `SizeError` unless everybody can rate `LEAST` films, each at most once."""
        for name, number in (("users", self.users), ("items", self.items)):
            if number < 1:
                raise SizeError(f"--{name} {number}: there must be at least one.")
        if self.items < LEAST:
            raise SizeError(
                f"--items {self.items}: everybody rates at least {LEAST} films, so there must be "
                f"at least {LEAST}."
            )
        if self.items > MOST_ITEMS or self.users > MOST_USERS:
            raise SizeError(
                f"{self.users} users and {self.items} items are too many: at most {MOST_USERS} "
                f"and {MOST_ITEMS}."
            )
        if self.ratings < LEAST * self.users:
            raise SizeError(
                f"--ratings {self.ratings} is too few: {self.users} users with at least {LEAST} "
                f"ratings each make {LEAST * self.users}."
            )
        if self.ratings > self.users * self.items:
            raise SizeError(
                f"--ratings {self.ratings} is too many: {self.users} users and {self.items} items "
                f"make at most {self.users * self.items}, each pair once."
            )
