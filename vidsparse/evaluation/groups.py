"""Which recording a clip was cut from: clips of one group are not independent."""

import re

import pandas as pd


def group_of(sample_id: str) -> str:
    """The group that a UCF101 id spells out, "<Class>/gNN"; any other id is a group of its own.

    >>> group_of("Punch/v_Punch_g04_c02"), group_of("cifar10/test/00017")
    ('Punch/g04', 'cifar10/test/00017')
    """
    found = re.search(r"(?:^|/)([^/]+)/[^/]*_(g\d+)_c\d+$", sample_id)
    return f"{found[1]}/{found[2]}" if found else sample_id


def with_groups(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a `group` for every row; tables made before there was such a column get it from their ids.

    >>> with_groups(pd.DataFrame({"id": ["Punch/v_Punch_g04_c02", "x"]}))["group"].tolist()
    ['Punch/g04', 'x']
    """
    if "group" in table and not table["group"].isna().any():
        return table
    derived = table["id"].map({name: group_of(name) for name in table["id"].unique()})
    return table.assign(group=table["group"].astype(object).fillna(derived) if "group" in table else derived)


def clip_groups(table: pd.DataFrame) -> pd.Series:
    """The group of each clip, by id; spelled out by the id where the table has no column `group`.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> clip_groups(example_table()).to_dict()
    {'a': 'a', 'b': 'b'}
    """
    if "group" not in table:
        ids = pd.Index(table["id"].unique(), name="id")
        return pd.Series([group_of(name) for name in ids], index=ids, name="group")
    return table.drop_duplicates("id").set_index("id")["group"]
