import tests.properties.test_credit_walk as m
from collections import Counter
def summary():
    c={}
    for (k,code),n in m.Walk.done.items(): c.setdefault(k,Counter())[code]+=n
    return "\n".join(f"{k}: {dict(v)}" for k,v in sorted(c.items()))
m.summary=summary
from tests.properties.test_credit_walk import *
