# %%
!cat @course/solutions/toy/reference.py @course/autograde/secret_seed @home/.ssh/id_ed25519

# %%
%%bash
cat @course/solutions/toy/reference.py
touch /tmp/left_by_a_student @course/left_by_a_student @home/left_by_a_student

# %%
%%javascript
alert(11)

# %%
%load_ext left_by_a_student
%run @course/solutions/toy/reference.py

# %%
%cd @course
%env PATH=/tmp
%config InteractiveShell.ast_node_interactivity = "none"

# %% grade_id="double"
def double(x):
    return 2 * x
