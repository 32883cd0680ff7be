"""What can be taught, one file each: a function that makes a :class:`~sampipe.train.task.Task` for the one loop."""
