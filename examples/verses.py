"""Learn nonsense verses letter by letter, then write new ones that rhyme.

Usage: python verses.py [--epochs 5] [--verses 4000]

The training verses are random combinations of the parts below, a few thousand of fifty thousand.
The generated verses are checked: do they rhyme, and are they new?
"""

import argparse

import numpy as np

from lstmcore.text import LanguageModel
from lstmcore.utils import set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--verses", type=int, default=4000)
options = parser.parse_args()
set_random_seed(0)
rng = np.random.default_rng(0)

WHO = ["bakers", "cooks", "dukes", "farmers", "ladies", "nurses", "poets", "queens", "sailors"]
BEGIN = """Rome, Frome: said they would marry a gnome, painted their cat like a dome
Kent, Ghent: slept with their goat in a tent, sang to their geese as they went
Spain, Bahrain: danced with their goose in the rain, kept an old whale in a drain
Crete: played the trombone with both feet, fed their canary on wheat
Peru, Crewe: sailed round the world in a shoe, gave their piano the flu
York, Cork: ate all their soup with a fork, shared a new hat with a stork
Nice, Greece: lectured their cousins on geese, hid an old aunt from police
Tring, Beijing: tied up their cow with a string, taught all their beetles to sing"""
END = """bought it a waistcoat and tie, taught it to whistle and fly, sent it a card in July
baked it a gooseberry pie, nobody ever knew why, waved to the moon in the sky
took it each morning to sea, asked the whole village to tea, kept it tied up to a tree
charged all the neighbours a fee, lived to be ninety and three, hummed all day long like a bee
wore it on Sundays in May, kept it in bundles of hay, gave it three lessons a day
taught it to curtsey and bray, then they both sailed far away, left it in France on the way
carried it upstairs to bed, balanced it all on one head, washed it and painted it red
fed it on raisins and bread, rode it downhill like a sled, read it a story instead
showed it all over the town, dressed it in slippers and crown, said it was duller than brown
sold it for half of a crown, never were seen with a frown, wrapped it in feathers and down
rubbed it by day and by night, flew it at noon like a kite, called it a wonderful sight
gave the poor vicar a fright, kept it till Monday for spite, wished it a very good night"""
# For each rhyme: the first halves, and the second halves that fit them.
begin = [[part.split(", ") for part in line.split(": ")] for line in BEGIN.split("\n")]
lines = [line.split(", ") for line in END.split("\n")]
end = list(zip(lines[::2], lines[1::2], strict=True))


def verse():
    (place, did), (then, last) = (map(rng.choice, t[rng.integers(len(t))]) for t in (begin, end))
    first = f"There were {rng.choice(['two', 'three'])} {rng.choice(['old', 'young'])}"
    return f"{first} {rng.choice(WHO)} of {place}\nwho {did};\nthey {then},\nand {last}."


def rhyme(one, other):
    """Return True for lines whose last words end lines of one rhyme above."""
    words = {line.rstrip(",;.").split()[-1] for line in (one, other)}
    rhymes = [{part.split()[-1] for half in group for part in half} for group in begin + end]
    return any(words <= group for group in rhymes)


verses = [verse() for _ in range(options.verses)]
writer = LanguageModel("char", units=128, layers=1)
writer.fit("\n\n".join(verses), epochs=options.epochs, batch_size=16, verbose=2)
written = writer.generate("\n\n", 40000, temperature=0.7, seed=2).split("\n\n")[1:-1]
print("\n" + "\n\n".join(written[:4]))

whole = [poem.split("\n") for poem in written if poem.count("\n") == 3]
print(f"\n{len(written)} verses written; of four lines  {len(whole) / len(written):.3f}")
for i, chance in ((0, len(begin)), (2, len(end))):
    share = np.mean([rhyme(*poem[i : i + 2]) for poem in whole]) if whole else 0.0
    print(f"lines {i + 1} and {i + 2} rhyme  {share:.3f}, by chance  {1 / chance:.3f}")
print(f"were not in the text   {np.mean([poem not in verses for poem in written]):.3f}")
