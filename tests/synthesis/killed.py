"""A rendering function that kills its process, in a module that a process imports quickly."""

import os
import signal


def die(settings, index):
    os.kill(os.getpid(), signal.SIGKILL)
