"""Writes the pickles that pickle_test.go reads, with the pickle and numpy of this Python (3.11 and 2.4 for those here).

python2.pkl is put together by hand as Python 2 wrote the official batches, and read back to see that it means the same.
"""
import os, pickle, struct
import numpy as np

data = (np.arange(2)[:, None] * 37 + np.arange(3072)[None] * 11).astype(np.uint8) % 251
plain = {b"batch_label": b"toy", b"labels": [3, 9], b"data": data, b"filenames": [b"a.png", b"b.png"]}


def write(name, value, protocol):
    with open(name, "wb") as f:
        pickle.dump(value, f, protocol=protocol)


for p in (2, 3, 4, 5):
    write(f"protocol{p}.pkl", plain, p)
write("text_keys.pkl", {k.decode(): v for k, v in plain.items()}, 4)
write("fortran.pkl", plain | {b"data": np.asfortranarray(data)}, 4)
write("array_labels.pkl", plain | {b"labels": np.array([3, 9])}, 2)
write("big_endian_labels.pkl", plain | {b"labels": np.array([3, 9], ">i2")}, 3)
write("floats.pkl", plain | {b"data": data[:, :8].astype(np.float32)}, 4)
write("few_labels.pkl", plain | {b"labels": [3]}, 2)
write("wrong_class.pkl", plain | {b"labels": [3, 10]}, 2)
write("meta.pkl", {"label_names": list("abcdefghij"), "num_vis": 3072}, 2)


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/evil",)


write("evil2.pkl", plain | {b"labels": Evil()}, 2)
write("evil4.pkl", plain | {b"labels": Evil()}, 4)


def s(b):
    return b"U" + bytes([len(b)]) + b if len(b) < 256 else b"T" + struct.pack("<I", len(b)) + b


array = (b"cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85" + s(b"b") + b"\x87Rq\x05(K\x01K\x02M\x00\x0c\x86"
         b"cnumpy\ndtype\nq\x06" + s(b"u1") + b"K\x00K\x01\x87Rq\x07(K\x03" + s(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
         b"\x89" + s(data.tobytes()) + b"tb")
py2 = (b"\x80\x02}q\x01(" + s(b"batch_label") + b"q\x02" + s(b"toy") + s(b"labels") + b"](K\x03K\x09e" + s(b"data") + array
       + s(b"filenames") + b"](" + s(b"a.png") + s(b"b.png") + b"eu.")
back = pickle.loads(py2, encoding="bytes")
assert (back[b"data"] == data).all() and back[b"labels"] == [3, 9]
with open("python2.pkl", "wb") as f:
    f.write(py2)
