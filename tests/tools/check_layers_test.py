"""Tests of tools/check_layers.py: a small tree of its own, one violation at a time."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_layers.py"


class CheckLayers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("tvae/base/error.h", "#pragma once\n#include <string>\n")

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def check(self):
        result = subprocess.run([sys.executable, SCRIPT, self.root], capture_output=True, text=True, check=False)
        self.assertEqual(result.stderr, "")
        return result.returncode, result.stdout.splitlines()

    def assert_refused(self, *lines):
        self.assertEqual(self.check(), (1, list(lines)))

    def assert_allowed(self):
        self.assertEqual(self.check(), (0, ["layers: no violation"]))

    def test_allows_rungs_above_and_the_folder_itself(self):
        self.write("tvae/nn/t5.h", '#include <torch/torch.h>\n#include "tvae/base/error.h"\n#include "tvae/nn/norm.h"\n')
        self.write("apps/verb.h", '#include <ATen/Parallel.h>\n#include "tvae/eval/eval.h"\n#include "apps/main.h"\n')
        self.assert_allowed()

    def test_refuses_libtorch_to_cpu_kernels(self):
        self.write("tvae/ops/norm.cpp", '#include <ATen/Parallel.h>\n#include "tvae/ops/torch.h"\n')
        self.write("tvae/ops/norm_cpu.h", '#include "tvae/ops/torch.h"\n')
        self.write("tvae/ops/norm_cpu.cpp", '#include <ATen/Parallel.h>\n#include "tvae/ops/norm_cpu.h"\n')
        self.write("tests/ops/norm_test.cpp", "")
        self.assert_refused("tvae/ops/norm_cpu.cpp:1: a CPU kernel may not include libtorch",
                            "tvae/ops/norm_cpu.h:1: a CPU kernel may not include libtorch")

    def test_refuses_a_rung_below(self):
        self.write("tvae/data/reader.h", '// Reads.\n#pragma once\n  #  include "tvae/nn/t5.h"\n')
        self.assert_refused("tvae/data/reader.h:3: tvae/data may not include tvae/nn")

    def test_refuses_a_rung_below_in_angle_brackets(self):
        self.write("tvae/io/names.h", "#include <tvae/model/model.h>\n")
        self.assert_refused("tvae/io/names.h:1: tvae/io may not include tvae/model")

    def test_refuses_train_and_eval_to_each_other(self):
        self.write("tvae/train/a.h", '#include "tvae/eval/b.h"\n')
        self.write("tvae/eval/b.h", '#include "tvae/train/a.h"\n')
        self.assert_refused("tvae/eval/b.h:1: tvae/eval may not include tvae/train",
                            "tvae/train/a.h:1: tvae/train may not include tvae/eval")

    def test_refuses_the_program_to_libraries(self):
        self.write("tvae/train/a.h", '#include "apps/verb.h"\n')
        self.write("server/b.h", '#include "tvae/train/a.h"\n#include "apps/verb.h"\n')
        self.assert_refused("tvae/train/a.h:1: tvae/train may not include apps",
                            "server/b.h:2: server may not include apps")

    def test_refuses_libtorch_in_the_torch_free_folders(self):
        for folder in ("base", "config", "text", "data"):
            for header in ("torch/torch.h", "ATen/ATen.h", "c10/util/Exception.h"):
                with self.subTest(folder=folder, header=header):
                    self.write(f"tvae/{folder}/x.h", f"#include <{header}>\n")
                    self.assert_refused(f"tvae/{folder}/x.h:1: tvae/{folder} may not include libtorch")
                    (self.root / f"tvae/{folder}/x.h").unlink()

    def test_refuses_folders_it_does_not_know(self):
        self.write("tvae/misc/x.h", "")
        self.write("tvae/ops/y.h", '#include "tvae/misc/x.h"\n')
        self.assert_refused("tvae/misc: not in the ladder of tools/check_layers.py",
                            "tvae/ops/y.h:1: tvae/misc is not in the ladder of tools/check_layers.py")

    def test_refuses_paths_that_hide_their_folder(self):
        self.write("tvae/data/x.h", '#include "../nn/t5.h"\n')
        code, lines = self.check()
        self.assertEqual((code, len(lines)), (1, 1))
        self.assertTrue(lines[0].startswith('tvae/data/x.h:1: "../nn/t5.h": '), lines)

    def test_refuses_a_folder_without_tests(self):
        self.write("tvae/base/error.cpp", '#include "tvae/base/error.h"\n')
        self.assert_refused("tests/base: no tests of tvae/base")
        self.write("tests/base/error_test.cpp", "")
        self.assert_allowed()


if __name__ == "__main__":
    unittest.main()
