"""Flags, arguments and errors of every command."""

import subprocess
import sys
import time

import pytest

from tests import running
from tests.conftest import ROOT

COMMANDS = [
    *("train", "evaluate", "export", "lights", "relight", "decompose"),
    *("batch", "serve", "serving.client", "synthesize"),
    *("photometric_stereo", "pseudo_label", "experiments", "studio"),
]

# A command whose `main` does what --action says.
COMMAND = """
from absl import flags
from tfrelight import errors
from tfrelight.commands import app

flags.DEFINE_string("action", "print", "What to do.")
flags.DEFINE_integer("count", 1, "A number.")
flags.DEFINE_bool("loud", False, "Another flag.")
flags.DEFINE_string("tls_ca", None, "A file.")


def main():
    action = flags.FLAGS.action
    if action == "print":
        print("count", flags.FLAGS.count)
    if action == "input_error":
        raise errors.InputError("Expected a cat.\\nReceived: a dog.")
    if action == "argument":
        raise errors.InputError("Pass `count=2`, `loud=True` or `loud=False`, not `cats`.")
    if action == "tls":
        raise errors.InputError("Pass `ca`, and `key` if there is a flag.")
    if action == "missing_file":
        open("/nowhere/file")
    if action == "full_disk":
        raise OSError("No space left")
    if action == "interrupt":
        raise KeyboardInterrupt
    if action == "status":
        return 3
    if action == "bug":
        raise ZeroDivisionError("a bug keeps its traceback")


if __name__ == "__main__":
    app.run(main)
"""

# Like `python command.py ...`, with the package of this checkout, which is the current folder.
RUN_FILE = """
import runpy, sys
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=240
    )


@pytest.fixture
def command(tmp_path):
    path = tmp_path / "command.py"
    path.write_text(COMMAND)

    def call(*arguments, flagfile=None, code=None):
        if flagfile is not None:
            (tmp_path / "file.flags").write_text(flagfile)
            arguments = (f"--flagfile={tmp_path / 'file.flags'}", *arguments)
        if code is not None:
            path.write_text(code)
        return run("-c", RUN_FILE, str(path), *arguments)

    return call


def assert_one_line(result, status, *parts):
    assert result.returncode == status, result.stderr
    assert result.stdout == ""
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    for part in parts:
        assert part in result.stderr


def test_flags_reach_main_and_the_last_one_wins(command):
    result = command("--count=5", flagfile="# what it is for\n--count=3\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "count 5\n", "")
    assert command(flagfile="--count=3\n").stdout == "count 3\n"


def test_unknown_flag(command):
    assert_one_line(command("--cuont=3"), 2, "cuont", "count", "--help")


def test_unknown_flag_in_a_flagfile(command):
    assert_one_line(command(flagfile="--count=2\n--cuont=3\n"), 2, "cuont")


def test_wrong_value(command):
    assert_one_line(command("--count=three"), 2, "--count=three")


def test_leftover_argument(command):
    assert_one_line(command("photo.jpg"), 2, "Unexpected argument 'photo.jpg'")


@pytest.mark.parametrize(
    "line,left", [("  # an indented comment", "# an indented comment"), ("count=3", "count=3")]
)
def test_what_is_no_flag_in_a_flagfile_is_refused(command, line, left):
    assert_one_line(command(flagfile=f"--count=2\n{line}\n"), 2, left, "comments on lines of")


def test_comment_behind_a_value_is_refused(command):
    assert_one_line(command(flagfile="--count=2  # two\n"), 2, "count", "# two")


def test_missing_flagfile(command):
    assert_one_line(command("--flagfile=/nowhere/x.flags"), 2, "/nowhere/x.flags")


def test_input_error_is_one_line(command):
    result = command("--action=input_error")
    assert_one_line(result, 1)
    assert result.stderr == "error: Expected a cat. Received: a dog.\n"


def test_errors_of_the_library_name_flags(command):
    result = command("--action=argument")
    assert_one_line(result, 1)
    assert result.stderr == "error: Pass --count=2, --loud or --noloud, not `cats`.\n"


def test_arguments_of_tls_are_named_by_their_flags(command):
    result = command("--action=tls")
    assert result.stderr == "error: Pass --tls_ca, and `key` if there is a flag.\n"


def test_files_that_cannot_be_used_are_named(command):
    assert_one_line(command("--action=missing_file"), 1, "No such file", "/nowhere/file")
    assert_one_line(command("--action=full_disk"), 1, "No space left")


def test_interrupt_and_status(command):
    assert_one_line(command("--action=interrupt"), 130, "Interrupted")
    assert command("--action=status").returncode == 3


def test_a_bug_is_not_dressed_up(command):
    result = command("--action=bug")
    assert result.returncode == 1
    assert "Traceback" in result.stderr and "ZeroDivisionError" in result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_quick_and_lists_the_flags(name):
    started = time.monotonic()
    result = run("-m", f"tfrelight.{name}", "--help")
    # An import of TensorFlow takes at least 5 seconds.
    assert time.monotonic() - started < 4
    assert (result.returncode, result.stderr) == (0, "")
    assert "flags:" in result.stdout and "--" in result.stdout


@pytest.mark.parametrize("flag", ["-h", "--helpshort", "--helpfull", "--helpxml"])
def test_every_kind_of_help_is_a_success(command, flag):
    result = command("--count=2", flag)
    assert (result.returncode, result.stderr) == (0, "")
    assert "count" in result.stdout


def test_help_whose_reader_has_left_is_a_success(command, tmp_path):
    (tmp_path / "long.py").write_text(COMMAND.replace('"A number."', '"A number. " * 20000'))
    reader = subprocess.Popen(
        [sys.executable, "-c", RUN_FILE, str(tmp_path / "long.py"), "--help"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    reader.stdout.read(10)
    reader.stdout.close()
    assert reader.stderr.read() == b""
    reader.stderr.close()
    assert reader.wait(60) == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_refuses_what_it_does_not_know(name):
    assert_one_line(run("-m", f"tfrelight.{name}", "--no_such_flag=1"), 2, "no_such_flag")


def test_evaluate_says_which_flag_is_missing():
    assert_one_line(run("-m", "tfrelight.evaluate", "--model=runs/x"), 2, "--dataset")


def test_evaluate_without_its_folder():
    flags = ["--model=/nowhere", "--dataset=yale_b", "--data_dir=/nowhere/CroppedYale"]
    assert_one_line(run("-m", "tfrelight.evaluate", *flags), 1, "No such folder: /nowhere")


def test_flags_of_built_in_people_may_stand_beside_a_rendered_set(tmp_path):
    """The flagfile of a run folder has both."""
    flags = [f"--synthetic_dir={tmp_path}", "--synthetic_subjects=16", "--synthetic_seed=0"]
    result = run("-m", "tfrelight.train", *flags, f"--workdir={tmp_path / 'run'}")
    assert_one_line(result, 1, "No finished set of portraits in", "tfrelight.synthesize")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["photometric_stereo", "--dataset=x", "--data_dir=/nowhere"], "Unknown dataset 'x'"),
        (
            ["photometric_stereo", "--dataset=yale_b", "--data_dir=/nowhere", "--model=x"],
            "--model is for --dataset=multilit",
        ),
        (["photometric_stereo", "--dataset=multilit", "--data_dir=/nowhere"], "No such folder: /n"),
        (["pseudo_label", "--input_dir=/nowhere", "--output_dir=/nowhere"], "No such folder: /no"),
    ],
)
def test_labelling_commands_without_their_data(arguments, expected):
    command, *flags = arguments
    assert_one_line(run("-m", f"tfrelight.{command}", *flags), 1, expected)


TAKES_PHOTOS = """
from absl import flags
from tfrelight.commands import app

flags.DEFINE_string("light", "front", "Which light.")

if __name__ == "__main__":
    app.run(lambda photos: print(flags.FLAGS.light, photos), arguments="photo")
"""


def test_a_command_takes_arguments_before_between_and_after_its_flags(command):
    done = command("one.png", "--light=left", "two.png", code=TAKES_PHOTOS)
    assert (done.returncode, done.stdout) == (0, "left ['one.png', 'two.png']\n")
    done = command("--light=left", code=TAKES_PHOTOS)
    assert done.returncode == 2
    assert "Expected a photo" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "name,flags",
    [
        ("train", ["--flagfile=configs/quick.flags", "--workdir={folder}/run"]),
        ("evaluate", ["--model=compact-128", "--dataset=synthetic", "--report={folder}/r.json"]),
        ("export", ["--model=compact-128", "--output_dir={folder}/out"]),
        ("synthesize", ["--subjects=1", "--output_dir={folder}/people"]),
    ],
)
def test_without_tensorflow_a_line_says_what_to_install(tmp_path, name, flags):
    code = (
        "import runpy, sys\n"
        "for name in ('tensorflow', 'keras', 'tensorflow_datasets', 'embreex', 'scipy'):\n"
        "    sys.modules[name] = None\n"
        "del sys.argv[0]\n"
        "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)\n"
    )
    given = [flag.format(folder=tmp_path) for flag in flags]
    done = running.python("-c", code, f"tfrelight.{name}", *given)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr.count("\n") == 1
    assert 'pip install "tfrelight[' in done.stderr
    assert not (tmp_path / "run").exists() and not (tmp_path / "r.json").exists()
