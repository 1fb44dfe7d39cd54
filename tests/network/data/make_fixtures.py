"""Writes the weight-file fixtures of this folder with NumPy, h5py and safetensors.

W1 is 3 x 2 and W2 is 2 x 3 with W[i][j] = 10 i + j (+ 100 for W2), so a transposition shows.
"""

import json

import h5py
import numpy as np
from safetensors.numpy import save_file

w1 = np.array([[10 * i + j for j in range(2)] for i in range(3)], dtype=np.float64)
w2 = np.array([[100 + 10 * i + j for j in range(3)] for i in range(2)], dtype=np.float64)
b1 = np.array([0.5, -0.25, 0.125])
b2 = np.array([1.5, -2.5])
f4 = np.float32

np.savez("plain.npz", W1=w1, W2=w2, b1=b1, b2=b2)
np.savez_compressed(
    "mixed.npz",
    W1=w1.astype(f4), W2=np.asfortranarray(w2.astype(">f8")), b1=b1.astype(">f4"), b2=b2[:, None],
    count=np.arange(3), half=w1.astype(np.float16), nan=np.where(w1 == 11, np.nan, w1), scalar=np.float64(0.25),
)
np.save("c_order.npy", w1)
np.save("fortran.npy", np.asfortranarray(w1.astype(f4)))
np.save("big_endian.npy", w1.astype(">f8"))
with open("version2.npy", "wb") as f:
    np.lib.format.write_array(f, w1, version=(2, 0))

save_file({"layer.0.weight": w1.astype(f4), "layer.1.weight": w2, "layer.0.bias": b1, "layer.1.bias": b2.astype(f4),
           "half": w1.astype(np.float16)}, "net.safetensors")

with h5py.File("net.h5", "w") as f:
    f["W1"] = w1.astype(f4)
    f.create_dataset("weights/W2", data=w2.astype(">f8"), chunks=(1, 2), compression="gzip", shuffle=True)
    f["weights/b1"] = b1.astype(">f4")
    f["weights/b2"] = b2
    f["count"] = np.arange(3)
    f["weights/nan"] = np.where(w1 == 11, np.inf, w1)

with open("net.json", "w") as f:
    json.dump({"W1": w1.tolist(), "W2": w2.astype(int).tolist(), "b1": b1.tolist(), "b2": b2.tolist(),
               "ragged": [[1, 2], [3]], "text": [[1, "a"]], "null": [1, None]}, f)
