// Small things about the document that every part of the page uses.

export const $ = (id) => document.getElementById(id);

/** An element with these properties and children; text is always text, never markup. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A drawing from the page's own set. */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  svg.setAttribute('aria-hidden', 'true');
  return svg;
}

/** A button's drawing and words. */
export function label(button, name, words) {
  button.querySelector('use').setAttribute('href', `#i-${name}`);
  button.querySelector('span').textContent = words;
}

/** Says it to those who hear the page rather than see it. */
export function speak(words) { $('spoken').textContent = words; }
