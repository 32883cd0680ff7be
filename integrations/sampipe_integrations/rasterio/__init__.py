"""Large rasters through rasterio: read tile by tile, segmented by any graph, told in the coordinates of the map.

::

    with Raster("scene.tif") as raster:
        masks = raster.segment(graph, tile=1024)
        raster.save_geojson(masks, "scene.geojson")
"""

from __future__ import annotations

from sampipe_integrations.rasterio.raster import Raster

__all__ = ["Raster"]
