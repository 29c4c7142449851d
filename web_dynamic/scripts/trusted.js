'use strict';

// No text becomes HTML on these pages. jQuery 3 and Leaflet test the browser with this markup while they load.
(function () {
  const trials = [
    /^<a id='jQuery\d+' href='' disabled='disabled'><\/a><select id='jQuery\d+-\r\\' disabled='disabled'><option selected=''><\/option><\/select>$/,
    /^<textarea>x<\/textarea>$/, /^<option><\/option>$/, /^<form><\/form><form><\/form>$/,
    /^<svg\/>$/, /^<v:shape adj="1"\/>$/
  ];

  if (window.trustedTypes) {
    window.trustedTypes.createPolicy('default', {
      createHTML: text => trials.some(trial => trial.test(text)) ? text : null
    });
  }
})();
