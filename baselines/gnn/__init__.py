"""GNNs and their training: what UGS learns with, and what `experiments` evaluates sparsifiers with.

``protocol`` holds the training protocols, ``models`` GCN, GIN and ResGCN, ``data`` a labelled graph that is checked and
prepared, ``training`` the loop, ``fit`` a model trained and measured, and ``graph`` and ``sparse`` what makes an epoch
cheap.
"""
