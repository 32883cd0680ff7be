"""A large raster, tile by tile: python raster_tiles.py [SIDE]; 20000 takes a while and little memory."""

import resource
import sys
from pathlib import Path

import numpy as np
import rasterio
from sampipe_integrations.rasterio import Raster

import sampipe as sp
from sampipe.nodes import SegmentEverything

side = int(sys.argv[1]) if len(sys.argv) > 1 else 500
tile = 2500 if side > 2500 else 300

times = 1 if side <= 500 else 4
photo = sp.Image.open("sample:coins").pixels.transpose(
    2, 0, 1
)  # 384 x 303 pixels, laid over the ground again and again
photo = photo.repeat(times, axis=1).repeat(times, axis=2)
height, width = photo.shape[1:]
profile = {"driver": "GTiff", "width": side, "height": side, "count": 3, "dtype": "uint8", "tiled": True}
place = {"crs": "EPSG:32632", "transform": rasterio.Affine(0.2, 0, 500_000, 0, -0.2, 5_400_000)}
with rasterio.open("ground.tif", "w", **profile, **place, compress="deflate", bigtiff="if_safer") as file:
    for top in range(0, side, height):
        row = np.tile(photo[:, : side - top], (1, 1, side // width + 1))[:, :, :side]
        file.write(row, window=((top, min(top + height, side)), (0, side)))

with Raster("ground.tif") as raster:
    masks = raster.segment(SegmentEverything(points_per_side=4), tile=tile, overlap=0.1)
    raster.save_geojson(masks, "ground.geojson", tolerance=1.0)
    raster.save_labels(masks, "ground.labels.tif")

print(f"{len(masks)} objects in {raster.crs}, {Path('ground.geojson').stat().st_size > 0}")
if side > 500:
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
