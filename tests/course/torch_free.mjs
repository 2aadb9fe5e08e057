// Runs a program of this course in Pyodide: node torch_free.mjs PYODIDE ROOT PROGRAM. The course is mounted, not copied.
const [pyodide, root, program] = process.argv.slice(2);
try {
  const { loadPyodide } = await import(`${pyodide}/pyodide.mjs`);
  const python = await loadPyodide({ env: { HOME: "/home/pyodide", PYTHONDONTWRITEBYTECODE: "1" } });
  python.mountNodeFS("/course", root);
  python.runPython(`import runpy, sys
sys.argv = ["/course/${program}", "/course"]
runpy.run_path(sys.argv[0], run_name="__main__")`);
} catch (error) {
  console.error(error.message); // without node's echo of the source line, which is all of Pyodide
  process.exitCode = 1;
}
