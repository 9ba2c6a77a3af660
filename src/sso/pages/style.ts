/** The pages' one stylesheet and their one script: from here, so that the content security policy needs no holes. */

/** Text and controls keep a contrast of 4.5:1 and more, in light and dark; what has the focus shows it. */
export const style = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; --text: #1b1f24; --quiet: #57606a; --page: #f6f8fa; --card: #fff; --line: #6e7781; --accent: #0550ae; --on-accent: #fff; --bad: #a40e26; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --quiet: #9da7b3; --page: #0d1117; --card: #161b22; --line: #7d8590; --accent: #6cb6ff; --on-accent: #06121f; --bad: #ff9492; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); }
header, main { max-width: 30rem; margin: 0 auto; padding: 0 1.25rem; }
.brand { font-weight: 600; margin: 2rem 0 1rem; }
main { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1.5rem; margin-bottom: 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.125rem; margin: 1.5rem 0 .5rem; }
p, li, td { overflow-wrap: anywhere; }
label { display: block; font-weight: 600; margin-bottom: .25rem; }
.hint { color: var(--quiet); margin: .25rem 0; }
input[type=email] { width: 100%; font: inherit; padding: .625rem; border: 1px solid var(--line); border-radius: .25rem; background: var(--card); color: var(--text); }
[aria-invalid=true] { border: 2px solid var(--bad) !important; }
button, .button { display: block; width: 100%; font: inherit; font-weight: 600; text-align: center; text-decoration: none; padding: .625rem 1rem; margin-top: .75rem; border-radius: .25rem; border: 2px solid var(--accent); background: var(--accent); color: var(--on-accent); cursor: pointer; }
button.second, .button.second { background: transparent; color: var(--accent); }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.alert { border-left: 4px solid var(--bad); padding: .25rem 1rem; margin-bottom: 1.25rem; }
.alert h2 { margin: .25rem 0; color: var(--bad); }
ul.plain { list-style: none; padding: 0; }
ul.plain > li { border-top: 1px solid var(--line); padding: .75rem 0; }
code { font-size: .9em; }
`;

/** Sends the page's form without a click; without scripts the button is there. */
export const script = `document.querySelector('form[data-go-on]')?.requestSubmit();\n`;
