"""`python -m neox`: the same command as `neox`."""

import os
import sys

if sys.path and sys.path[0] in ("", os.getcwd()):
    del sys.path[0]  # a checkout's datasets/ and kernels/ must not answer `import datasets`
from neox.cli import main

raise SystemExit(main())
