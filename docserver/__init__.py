"""The Windows side of the document protocol: Word makes PDFs of what waits in the shared object store.

    python -m docserver run | once | doctor

The protocol itself is the project's own (pw_pipelines/documents); `docserver/build.py` packs both into one wheel.
"""
