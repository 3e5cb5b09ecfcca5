"""The jail: a child process that is given bytes from outside and may do nothing but compute an answer.

    parent (process.py)  --- job: JSON, bytes --->  child (inside.py)
                         <------ answer: JSON ----  limits.py, seccomp.py

What the child computes is not known here, and nothing here looks into a picture.
"""
