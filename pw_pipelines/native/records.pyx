# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Compiled twins of what `sources.fixed_width` and `registry.staging` do to each record; see `records.pyi`."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdint cimport uint64_t
from libc.string cimport memchr, memcmp, memcpy

cdef extern from "Python.h":
    object PyUnicode_DecodeLatin1(const char *text, Py_ssize_t size, const char *errors)
    const Py_ssize_t PY_SSIZE_T_MAX
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL

cdef enum:
    SLOTS = 4096  # a power of two

cdef bytes _PRINTABLE = bytes(chr(code).isprintable() for code in range(256))


def stride_of(bytes data not None, Py_ssize_t width):
    if width < 1 or width > PY_SSIZE_T_MAX - 2:
        return 0
    return _right(data, width, 1) or _right(data, width, 2)


cdef Py_ssize_t _right(bytes data, Py_ssize_t width, Py_ssize_t ending):
    """The stride, if every line has `width` bytes and ends with LF (ending 1) or CRLF (2); otherwise 0."""
    cdef Py_ssize_t stride = width + ending, size = PyBytes_GET_SIZE(data), place = 0
    cdef const char *at = PyBytes_AS_STRING(data)
    cdef char first = b"\r" if ending == 2 else b"\n"
    if size % stride:
        return 0
    while place < size:
        if at[width] != first or at[stride - 1] != b"\n":
            return 0
        if memchr(at, b"\n", width) != NULL or memchr(at, b"\r", width) != NULL:
            return 0
        at += stride
        place += stride
    return stride


cdef Py_ssize_t _count(bytes data, Py_ssize_t stride, Py_ssize_t begin, Py_ssize_t end) except -1:
    """How many records there are. Raises ValueError for a field outside of them: nothing else checks borders."""
    if stride < 1 or begin < 0 or end < begin or end > stride or PyBytes_GET_SIZE(data) % stride:
        raise ValueError(f"no field from {begin} to {end} in {len(data)} bytes of records of {stride}")
    return PyBytes_GET_SIZE(data) // stride


def texts(bytes data not None, Py_ssize_t stride, Py_ssize_t begin, Py_ssize_t end):
    cdef Py_ssize_t count = _count(data, stride, begin, end), number, first, last, place
    cdef const unsigned char *printable = <const unsigned char *>PyBytes_AS_STRING(_PRINTABLE)
    cdef const unsigned char *at = <const unsigned char *>PyBytes_AS_STRING(data)
    cdef list found = [None] * count
    for number in range(count):
        first, last = begin, end
        while first < last and (at[first] == 32 or at[first] == 0):
            first += 1
        while last >= first + 8 and memcmp(at + last - 8, b"        ", 8) == 0:
            last -= 8
        while last > first and (at[last - 1] == 32 or at[last - 1] == 0):
            last -= 1
        for place in range(first, last):
            if not printable[at[place]]:
                return None
        found[number] = PyUnicode_DecodeLatin1(<const char *>at + first, last - first, NULL)
        at += stride
    return found


cdef struct Slot:
    PyObject *field
    PyObject *value


cdef class Repeating:
    cdef object _known  # dicts and sets of every kind
    cdef object _doubtful
    cdef Slot *_slots

    def __cinit__(self, known, doubtful):
        self._known, self._doubtful = known, doubtful
        self._slots = <Slot *>PyMem_Calloc(SLOTS, sizeof(Slot))
        if self._slots == NULL:
            raise MemoryError

    def __dealloc__(self):
        cdef int number
        if self._slots != NULL:
            for number in range(SLOTS):
                Py_XDECREF(self._slots[number].field)
                Py_XDECREF(self._slots[number].value)
            PyMem_Free(self._slots)

    def column(self, bytes data not None, Py_ssize_t stride, Py_ssize_t begin, Py_ssize_t end):
        cdef Py_ssize_t count = _count(data, stride, begin, end), number, doubtful = 0, size = end - begin
        cdef const char *at = PyBytes_AS_STRING(data) + begin
        cdef list found = [None] * count
        cdef Slot *slot
        cdef PyObject *old_field
        cdef PyObject *old_value
        cdef object field, value
        for number in range(count):
            slot = &self._slots[_hashed(at, size) & (SLOTS - 1)]
            if (
                slot.field != NULL
                and PyBytes_GET_SIZE(<object>slot.field) == size
                and memcmp(PyBytes_AS_STRING(<object>slot.field), at, size) == 0
            ):
                value = <object>slot.value
            else:
                field = PyBytes_FromStringAndSize(at, size)
                value = self._known[field]
                if field in self._doubtful:  # asked for again each time: whoever forgets them notes them anew
                    doubtful += 1
                else:
                    Py_INCREF(field)
                    Py_INCREF(value)
                    old_field, old_value = slot.field, slot.value
                    slot.field, slot.value = <PyObject *>field, <PyObject *>value
                    Py_XDECREF(old_field)  # last: a value's end may call back
                    Py_XDECREF(old_value)
            found[number] = value
            at += stride
        return found, doubtful


cdef inline uint64_t _hashed(const char *at, Py_ssize_t size) noexcept:
    cdef uint64_t mixed = <uint64_t>size, piece
    while size >= 8:
        memcpy(&piece, at, 8)
        mixed = (mixed ^ piece) * <uint64_t>0x9E3779B97F4A7C15
        mixed ^= mixed >> 32
        at += 8
        size -= 8
    piece = 0
    memcpy(&piece, at, size)
    mixed = (mixed ^ piece) * <uint64_t>0x9E3779B97F4A7C15
    return mixed ^ (mixed >> 29)


def joined(list columns not None, Py_ssize_t count):
    if not 0 <= count < PY_SSIZE_T_MAX >> 9:
        raise ValueError(f"{count} is no number of records")
    for one in columns:
        if type(one) is list:  # no other kind: its len would be asked of it, and could change the others
            if len(one) != count:
                raise ValueError(f"a column has {len(one)} values, not {count}")
        elif not isinstance(one, str):
            raise TypeError(f"a column is a list or a str, not {type(one).__name__}")
    if not columns or not count:
        return b""
    try:
        text = _joined(columns, count, False)
        return _joined(columns, count, True) if text is None else text
    except (UnicodeEncodeError, _HasNul):
        return None


class _HasNul(Exception):
    pass


cdef bytes _joined(list columns, Py_ssize_t count, bint escapes):
    """The text; None when something in it wants an escape and `escapes` is not set."""
    cdef Py_ssize_t width = len(columns), number, which, size, at = 0, room = 256 * (count + 1), place
    cdef const char *cell
    cdef char *grown
    cdef char *text = <char *>PyMem_Malloc(room)
    cdef char escaped
    cdef object value
    if text == NULL:
        raise MemoryError
    try:
        for number in range(count):
            for which in range(width):
                value = <object>PyList_GET_ITEM(columns, which)
                if type(value) is list:
                    value = <object>PyList_GET_ITEM(value, number)
                size, cell = 0, b""
                if value is not None:
                    cell = PyUnicode_AsUTF8AndSize(value, &size)
                if at + 2 * size + 1 > room:
                    room = 2 * (room + size)
                    grown = <char *>PyMem_Realloc(text, room)
                    if grown == NULL:
                        raise MemoryError
                    text = grown
                if escapes:
                    for place in range(size):
                        escaped = _escaped(cell[place])
                        if escaped:
                            text[at] = b"\\"
                            at += 1
                        text[at] = escaped or cell[place]
                        at += 1
                else:
                    memcpy(text + at, cell, size)
                    at += size
                text[at] = b"\t"
                at += 1
            text[at - 1] = b"\n"
        if memchr(text, 0, at) != NULL:
            raise _HasNul
        if not escapes and _specials(text, at) != count * width:
            return None
        return PyBytes_FromStringAndSize(text, at)
    finally:
        PyMem_Free(text)


cdef inline char _escaped(char one) noexcept:
    """What stands behind a backslash for a character that COPY takes for something else; 0 for any other."""
    if one == b"\t":
        return b"t"
    if one == b"\n":
        return b"n"
    if one == b"\r":
        return b"r"
    return b"\\" if one == b"\\" else 0


cdef Py_ssize_t _specials(const char *text, Py_ssize_t size) noexcept:
    cdef Py_ssize_t place, found = 0
    cdef char one
    for place in range(size):
        one = text[place]
        found += (one == b"\t") | (one == b"\n") | (one == b"\\") | (one == b"\r")
    return found
