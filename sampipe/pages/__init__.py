"""Web pages made of Gradio: what they share, the demo, and the labelling page."""

from sampipe.pages._stubs import write_no_stubs

write_no_stubs()
