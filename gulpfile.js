const { dest, parallel, src } = require('gulp');

/** What the compiler leaves behind: icons and codex files beside their nodes, and the ready-made workflows. */
const assets = () => src(['nodes/**/*.{svg,node.json}', 'credentials/**/*.svg'], { base: '.', encoding: false }).pipe(dest('dist'));
const workflows = () => src(['workflows/*.json', 'workflows/pt-BR/*.json'], { base: '.', encoding: false }).pipe(dest('dist'));

exports.default = parallel(assets, workflows);
