"""Reads one array of a safetensors file."""

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
