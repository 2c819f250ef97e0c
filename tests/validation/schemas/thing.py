"""One field of every kind and one check of every sort, for the tests of validation."""

import datetime
from typing import Annotated

import pandas as pd
import pandera.pandas as pa
import pyarrow

Text = Annotated[pd.ArrowDtype, pyarrow.string()]
COLOURS = [
    "amber",
    "azure",
    "beige",
    "black",
    "brown",
    "coral",
    "green",
    "ivory",
    "khaki",
    "lilac",
    "olive",
    "white",
    "blue",
]


class Thing(pa.DataFrameModel):
    area: Text = pa.Field(title="Area", str_length={"max_value": 4})
    number: Text = pa.Field(title="Number", str_length={"max_value": 10}, str_matches=r"^[^ ]+$")
    name: Text = pa.Field(title="Name", str_length={"max_value": 12})
    code: Text = pa.Field(
        title="Code", nullable=True, str_length={"min_value": 3, "max_value": 5}, str_matches=r"^[A-Z]+$"
    )
    size: Text = pa.Field(title="Size", nullable=True, isin=["S", "M", "L"])
    colour: Text = pa.Field(title="Colour", nullable=True, isin=COLOURS)
    amount: Annotated[pd.ArrowDtype, pyarrow.decimal128(9, 2)] = pa.Field(title="Amount", nullable=True, ge=0)
    share: Annotated[pd.ArrowDtype, pyarrow.decimal128(4, 4)] = pa.Field(title="Share", nullable=True)
    days: Annotated[pd.ArrowDtype, pyarrow.int64()] = pa.Field(
        title="Days", nullable=True, in_range={"min_value": 0, "max_value": 365}
    )
    small: Annotated[pd.ArrowDtype, pyarrow.int16()] = pa.Field(title="Small", nullable=True)
    active: Annotated[pd.ArrowDtype, pyarrow.bool_()] = pa.Field(title="Active", nullable=True)
    since: Annotated[pd.ArrowDtype, pyarrow.date32()] = pa.Field(
        title="Since", nullable=True, ge=datetime.date(1900, 1, 1)
    )
    until: Annotated[pd.ArrowDtype, pyarrow.date32()] = pa.Field(title="Until", nullable=True)
    memo: Text = pa.Field(title="Memo", nullable=True, metadata={"multiline": True})

    @pa.check("name", error="a name is not shouted")
    def not_shouted(cls, names: pd.Series) -> pd.Series:
        return ~names.str.isupper()

    @pa.dataframe_check(fields=("since", "until"), error="it ends before it begins")
    def ends_after_begin(cls, df: pd.DataFrame, fields: tuple[str, str]) -> pd.Series:
        since, until = (df[field] for field in fields)
        return since <= until

    @pa.dataframe_check(fields=("active", "amount"), error="an active thing has an amount")
    def active_has_amount(cls, df: pd.DataFrame, fields: tuple[str, str]) -> pd.Series:
        active, amount = (df[field] for field in fields)
        return ~active.fillna(False) | amount.notna()
