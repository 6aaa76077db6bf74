"""python -m host CONFIG: the same as snhost CONFIG."""

import sys

from host.cli import main

sys.exit(main())
