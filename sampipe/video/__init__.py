"""Video: frames from files, cameras and streams through any graph, and back into files.

::

    from sampipe.nodes import Follow
    from sampipe.video import through

    for frame in through(Follow.of(detector, every=5), "clip.mp4"):
        print(frame.seconds, frame.result.masks.prompts.track_ids)
"""

from sampipe.video.reading import Video, VideoFrame
from sampipe.video.recording import Recorded, Recording, record
from sampipe.video.rows import read_frames
from sampipe.video.streaming import Done, through
from sampipe.video.writing import VideoWriter

__all__ = [
    "Done",
    "Recorded",
    "Recording",
    "Video",
    "VideoFrame",
    "VideoWriter",
    "read_frames",
    "record",
    "through",
]
