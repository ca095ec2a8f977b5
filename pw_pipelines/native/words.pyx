# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled twin of `registry.keying`; see `words.pyi`."""

from cpython.bytes cimport PyBytes_AS_STRING
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

cdef extern from *:
    """
    #if defined(__GNUC__) || defined(__clang__)
    #define fetch_soon(place) __builtin_prefetch(place)
    #else
    #define fetch_soon(place)
    #endif
    """
    void fetch_soon(const void *place) noexcept

cdef extern from "Python.h":
    object PyUnicode_DecodeASCII(const char *text, Py_ssize_t size, const char *errors)
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL

cdef enum:
    SLOTS = 262144  # a power of two; 16 MiB together
    LONGEST_WORD = 26
    LONGEST_STEM = 20
    LONGEST_SOUND = 14
    WRITTEN_OUT = 128  # room for a stem whose letters are written as others
    MOST_PAIRS = 16
    LONGEST_PAIR = 4
    # What `learn` says of a word; as in words.pyi.
    PLAIN = 0
    FORM = 1
    PART = 2
    # A name that is longer than these goes the plain way.
    LONGEST_NAME = 1024
    MOST_WORDS = 64
    ROOM = 4096


cdef struct Slot:  # 64 bytes: what the processor fetches at once
    uint8_t word_size  # 0: empty
    uint8_t kind
    uint8_t stem_size
    uint8_t sound_size
    char word[LONGEST_WORD]
    char stem[LONGEST_STEM]
    char sound[LONGEST_SOUND]


cdef struct Pair:  # what is written, and what it is heard as
    Py_ssize_t written_size
    Py_ssize_t heard_size
    char written[LONGEST_PAIR]
    char heard[LONGEST_PAIR]


cdef struct Word:
    const char *at
    Py_ssize_t size
    Slot *slots  # the two where it may be found


cdef struct Made:  # one name on its way: folded, its words, its key, and how they sound, one after the other
    Word parts[MOST_WORDS]
    Py_ssize_t key_size
    Py_ssize_t sounds_size
    Py_ssize_t words
    Py_ssize_t begins[MOST_WORDS]
    Py_ssize_t sizes[MOST_WORDS]
    char folded[5 * LONGEST_NAME + 8]
    char key[ROOM]
    char sounds[ROOM]
    char near[ROOM + MOST_WORDS]


cdef class Keyer:
    cdef object _learn, _asked
    cdef bytes _fold, _coarse, _sounds, _telltale
    cdef Pair _heard_as[MOST_PAIRS]
    cdef Py_ssize_t _pairs
    cdef Slot *_slots

    # not __init__, which may be left out, or called again while a name is being made
    def __cinit__(self, *, bytes fold not None, bytes coarse not None, bytes sounds not None, heard_as,
                  bytes telltale not None, asked, learn):
        self._slots = <Slot *>PyMem_Calloc(SLOTS, sizeof(Slot))
        if self._slots == NULL:
            raise MemoryError
        if any(len(table) != 128 for table in (fold, coarse, sounds, telltale)):
            raise ValueError("a table says something of each of ASCII's 128 characters")
        cdef Pair *pair
        cdef bytes written, heard
        cdef list pairs = [(one.encode("ascii"), other.encode("ascii")) for one, other in heard_as]
        if len(pairs) > MOST_PAIRS:
            raise ValueError(f"no more than {MOST_PAIRS} pairs of letters are heard as others")
        for number, (written, heard) in enumerate(pairs):
            if not 0 < len(written) <= LONGEST_PAIR or not 0 < len(heard) <= LONGEST_PAIR:
                raise ValueError(f"letters that are heard as others are 1 to {LONGEST_PAIR}, and so are those")
            pair = &self._heard_as[<Py_ssize_t>number]
            pair.written_size, pair.heard_size = len(written), len(heard)
            memcpy(pair.written, PyBytes_AS_STRING(written), pair.written_size)
            memcpy(pair.heard, PyBytes_AS_STRING(heard), pair.heard_size)
        self._pairs = len(pairs)
        self._fold, self._coarse, self._sounds, self._telltale = fold, coarse, sounds, telltale
        self._asked, self._learn = asked, learn

    def __dealloc__(self):
        PyMem_Free(self._slots)

    def keys(self, list names not None):
        names = names[:]  # whoever is asked meanwhile may change it
        cdef Py_ssize_t count = len(names), number, size = 0, near_size
        cdef list name_keys = [None] * count, near_keys = [None] * count, others = []
        cdef const char *text
        cdef object name
        cdef Made *made = <Made *>PyMem_Malloc(sizeof(Made))  # too large for the stack of who calls back
        if made == NULL:
            raise MemoryError
        try:
            for number in range(count):
                name = names[number]
                if name is None:
                    continue
                text = NULL
                if (<str?>name).isascii():
                    text = PyUnicode_AsUTF8AndSize(name, &size)
                if text != NULL and size <= LONGEST_NAME and self._make(text, size, made):
                    name_keys[number] = PyUnicode_DecodeASCII(made.key, made.key_size, NULL)
                    near_size = _sorted(made)
                    near_keys[number] = PyUnicode_DecodeASCII(made.near, near_size, NULL)
                else:
                    others.append(number)
        finally:
            PyMem_Free(made)
        return name_keys, near_keys, others

    cdef bint _make(self, const char *text, Py_ssize_t size, Made *made) except -1:
        """A name word by word; false for one that must be looked at as a whole."""
        cdef const unsigned char *fold = <const unsigned char *>PyBytes_AS_STRING(self._fold)
        cdef char *folded = made.folded
        cdef const unsigned char *coarse = <const unsigned char *>PyBytes_AS_STRING(self._coarse)
        cdef Py_ssize_t place, end = 0, begin = 0, count = 0, number
        cdef Word *part
        cdef unsigned char one
        for place in range(size):
            one = fold[<unsigned char>text[place]]
            if one > 1:
                folded[end] = <char>one
                end += 1
            elif one == 1:
                memcpy(folded + end, b" and ", 5)
                end += 5
        memset(folded + end, 32, 8)  # is read, eight at a time, for the last word
        while True:
            while begin < end and folded[begin] == 32:
                begin += 1
            if begin == end:
                break
            if count == MOST_WORDS:
                return False
            part = &made.parts[count]
            count += 1
            part.at = folded + begin
            while begin < end and folded[begin] != 32:
                begin += 1
            part.size = folded + begin - part.at
            part.slots = &self._slots[_hashed(part.at, part.size) & (SLOTS - 2)]
            fetch_soon(part.slots)
        made.key_size = made.sounds_size = made.words = 0
        for number in range(count):
            part = &made.parts[number]
            if not self._add(part, number == 0, number == count - 1, made):
                return False
        if made.key_size == 0:
            return False
        end = 1
        for place in range(1, made.key_size):
            one = coarse[<unsigned char>made.key[place]]
            if one:
                made.key[end] = <char>one
                end += 1
        made.key_size = end
        return True

    cdef bint _add(self, Word *part, bint is_first, bint is_last, Made *made) except -1:
        """What one word gives the key and the near key; false when that takes a look at its neighbours."""
        cdef const char *word = part.at
        cdef Py_ssize_t size = part.size
        cdef Slot *slots = part.slots
        cdef Slot *slot
        cdef int which
        cdef str told
        cdef const char *stem = word
        cdef Py_ssize_t stem_size = size, sound_size
        cdef char sound[WRITTEN_OUT]
        cdef int kind = PLAIN
        for which in range(2):
            slot = &slots[which]
            if slot.word_size == size and memcmp(slot.word, word, size) == 0:
                return _put(made, slot.kind, is_first, is_last, slot.stem, slot.stem_size, slot.sound, slot.sound_size)
        told = PyUnicode_DecodeASCII(word, size, NULL)
        if self._telltale[<unsigned char>word[size - 1]] or told in self._asked:
            kind, told = self._learn(told)
            if not PLAIN <= kind <= PART:
                raise ValueError(f"a word is of kind 0, 1 or 2, not {kind}")
            if told is None or not told.isascii():
                raise ValueError(f"the stem {told!r} is not ASCII")
            stem = PyUnicode_AsUTF8AndSize(told, &stem_size)
        sound_size = self._sound(stem, stem_size, sound)
        if sound_size < 0:
            return False
        if size <= LONGEST_WORD and stem_size <= LONGEST_STEM and sound_size <= LONGEST_SOUND:
            slots[1] = slots[0]  # the newer of two stays
            slot = slots
            slot.word_size, slot.kind = <uint8_t>size, <uint8_t>kind
            slot.stem_size, slot.sound_size = <uint8_t>stem_size, <uint8_t>sound_size
            memcpy(slot.word, word, size)
            memcpy(slot.stem, stem, stem_size)
            memcpy(slot.sound, sound, sound_size)
        return _put(made, kind, is_first, is_last, stem, stem_size, sound, sound_size)

    cdef Py_ssize_t _sound(self, const char *stem, Py_ssize_t size, char *sound) noexcept:
        """How a stem sounds, into `sound`; its size, -1 for a stem that is too long to be written out here."""
        cdef const unsigned char *sounds = <const unsigned char *>PyBytes_AS_STRING(self._sounds)
        cdef char written[2][WRITTEN_OUT]
        cdef char *other
        cdef Py_ssize_t place, end, number
        cdef Pair *pair
        cdef bint found
        cdef unsigned char one
        for number in range(self._pairs):
            pair, other = &self._heard_as[number], written[stem == written[0]]
            place, end, found = 0, 0, False
            while place < size:
                if end + LONGEST_PAIR > WRITTEN_OUT:
                    return -1
                if (
                    stem[place] == pair.written[0]
                    and place + pair.written_size <= size
                    and memcmp(stem + place, pair.written, pair.written_size) == 0
                ):
                    memcpy(other + end, pair.heard, pair.heard_size)
                    end += pair.heard_size
                    place += pair.written_size
                    found = True
                else:
                    other[end] = stem[place]
                    end += 1
                    place += 1
            if found:
                stem, size = other, end
        if size > WRITTEN_OUT:
            return -1
        end = 0
        for place in range(size):
            one = sounds[<unsigned char>stem[place]]
            if one == 1:
                if place == 0:
                    sound[end] = b"a"
                    end += 1
            elif one and (end == 0 or sound[end - 1] != <char>one):
                sound[end] = <char>one
                end += 1
        if end == 0 and size:
            sound[0] = stem[0]
            end = 1
        return end


cdef bint _put(Made *made, int kind, bint is_first, bint is_last, const char *stem, Py_ssize_t stem_size,
               const char *sound, Py_ssize_t sound_size) noexcept:
    """Adds a word's part to both; false where it does not tell by itself what that is, and where there is no room."""
    if kind != PLAIN and not (is_first and is_last):
        return kind == FORM and is_last
    if made.words == MOST_WORDS or made.key_size + stem_size > ROOM or made.sounds_size + sound_size > ROOM:
        return False
    memcpy(made.key + made.key_size, stem, stem_size)
    made.key_size += stem_size
    memcpy(made.sounds + made.sounds_size, sound, sound_size)
    made.begins[made.words], made.sizes[made.words] = made.sounds_size, sound_size
    made.sounds_size += sound_size
    made.words += 1
    return True


cdef Py_ssize_t _sorted(Made *made) noexcept:
    """The sounds in order with a blank between them, into `near`; its size."""
    cdef Py_ssize_t number, place, begin, size, end = 0
    for number in range(1, made.words):  # few: the plainest way is the quickest
        begin, size, place = made.begins[number], made.sizes[number], number
        while place and _is_after(made, place - 1, begin, size):
            made.begins[place], made.sizes[place] = made.begins[place - 1], made.sizes[place - 1]
            place -= 1
        made.begins[place], made.sizes[place] = begin, size
    for number in range(made.words):
        if made.sizes[number]:
            memcpy(made.near + end, made.sounds + made.begins[number], made.sizes[number])
            end += made.sizes[number]
            made.near[end] = 32
            end += 1
    return end - 1 if end else 0


cdef inline bint _is_after(Made *made, Py_ssize_t place, Py_ssize_t begin, Py_ssize_t size) noexcept:
    cdef Py_ssize_t other = made.sizes[place]
    cdef int order = memcmp(made.sounds + made.begins[place], made.sounds + begin, min(other, size))
    return order > 0 or (order == 0 and other > size)


cdef inline uint64_t _hashed(const char *at, Py_ssize_t size) noexcept:
    """Of a word with at least seven bytes behind it that may be read."""
    cdef uint64_t mixed = <uint64_t>size, piece
    while size > 0:
        memcpy(&piece, at, 8)
        if size < 8:
            piece &= (<uint64_t>1 << 8 * size) - 1  # what stands behind the word; where bytes go the other way, the word is
        mixed = (mixed ^ piece) * <uint64_t>0x9E3779B97F4A7C15
        mixed ^= mixed >> 32
        at += 8
        size -= 8
    return mixed ^ (mixed >> 29)
