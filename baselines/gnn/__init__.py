"""GNNs and their training: what UGS learns with, and what `experiments` evaluates sparsifiers with.

``protocol`` holds the training protocols, ``models`` the five of the package, ``own`` and ``wrapped`` models of users'
own, ``data`` a labelled graph that is checked and prepared, ``scores`` accuracy and ROC-AUC, ``training`` the
loop, ``fit`` a model trained and measured, and ``graph``, ``sparse`` and ``attention`` what makes an epoch cheap.
"""
