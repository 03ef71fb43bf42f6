"""Reads one array of a safetensors file; writes several."""

import json

import numpy as np

KINDS = {"F32": np.float32, "F64": np.float64, "I32": np.int32, "I64": np.int64, "U8": np.uint8, "U32": np.uint32}


def read(path, name):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        begin = file.tell()
        info = header[name]
        start, end = info["data_offsets"]
        file.seek(begin + start)
        return np.frombuffer(file.read(end - start), KINDS[info["dtype"]]).reshape(info["shape"]).copy()


def write(path, arrays):
    """Writes arrays (f32, else i32) by name."""
    header, end = {}, 0
    for name, array in arrays.items():
        kind = "F32" if array.dtype == np.float32 else "I32"
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [end, end + array.nbytes]}
        end += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(array.tobytes())
