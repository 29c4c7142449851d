// What `make lint` asks of the scripts. Files of others lie elsewhere, and are not looked at.
import js from '@eslint/js';
import stylistic from '@stylistic/eslint-plugin';
import globals from 'globals';

const html = 'innerHTML outerHTML insertAdjacentHTML'.split(' ');

export default [
  js.configs.recommended,
  stylistic.configs.customize({
    indent: 2, quotes: 'single', semi: true, braceStyle: '1tbs', commaDangle: 'never', arrowParens: false
  }),
  {
    rules: {
      '@stylistic/space-before-function-paren': ['error', 'always'],
      '@stylistic/max-len': ['error', 120, { ignoreRegExpLiterals: true }],
      '@stylistic/max-statements-per-line': 'off',
      'array-callback-return': 'error',
      'consistent-return': 'error',
      'eqeqeq': 'error',
      'no-implied-eval': 'error',
      'no-loop-func': 'error',
      'no-restricted-properties': ['error', ...html.map(property => (
        { property, message: 'No text becomes HTML: make nodes, and set their text.' }))],
      'no-self-compare': 'error',
      'no-shadow': 'error',
      'no-unmodified-loop-condition': 'error',
      'no-use-before-define': ['error', { functions: false }],
      'no-var': 'error',
      'prefer-const': 'error'
    }
  },
  {
    files: ['**/*.js'],
    languageOptions: { sourceType: 'script', globals: { ...globals.browser, $: 'readonly', L: 'readonly' } },
    rules: { 'no-implicit-globals': 'error', 'strict': ['error', 'global'] }
  }
];
