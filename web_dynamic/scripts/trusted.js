'use strict';

// No text becomes HTML in our pages. jQuery 3 alone, while it is loaded, tries the browser out with these four.
(function () {
  const trials = [
    /^<a id='jQuery\d+' href='' disabled='disabled'><\/a><select id='jQuery\d+-\r\\' disabled='disabled'><option selected=''><\/option><\/select>$/,
    /^<textarea>x<\/textarea>$/, /^<option><\/option>$/, /^<form><\/form><form><\/form>$/
  ];

  if (window.trustedTypes) {
    window.trustedTypes.createPolicy('default', {
      createHTML: text => trials.some(trial => trial.test(text)) ? text : null
    });
  }
})();
