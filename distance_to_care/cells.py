"""The cells of a column as one Arrow array, whatever a reader made of them."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa


def arrow(values: pd.Series) -> pa.Array:
    """The cells as one Arrow array; mixed Python objects become text."""
    array = None
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        # Handled below, outside this block: the error quotes a cell and must not be chained.
        array = None
    if array is None:
        text = [
            None if missing else str(cell)
            for cell, missing in zip(values, values.isna(), strict=True)
        ]
        array = pa.array(text, pa.string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return array
    if pa.types.is_string_view(array.type):
        return array.cast(pa.large_string())
    if pa.types.is_decimal(array.type) or pa.types.is_floating(array.type):
        return array.cast(pa.float64())
    if pa.types.is_uint64(array.type):
        # Such numbers may be beyond every other integer; the check of whole numbers counts those.
        return array.cast(pa.float64(), safe=False)
    return array
