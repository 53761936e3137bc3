"""GNNs and their training: what UGS learns with, and what `experiments` evaluates sparsifiers with.

``protocol`` holds the training protocols, ``models`` GCN, GIN and ResGCN, ``training`` the loop (``fit``), ``masks`` a
round of UGS, and ``graph`` and ``sparse`` what makes an epoch cheap.
"""
