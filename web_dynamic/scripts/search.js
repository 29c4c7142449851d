'use strict';

// The search page: what is chosen is shown at once; a search asks the API and draws its answer.
// Texts are only ever set as text.
(function () {
  const api = $(document.body).data('api');
  let request = null;

  function count (number, word) {
    return `${number} ${word}${number === 1 ? '' : 's'}`;
  }

  function showChosen ($filter) {
    const names = $filter.find('input:checked').map((_, box) => box.dataset.name).get();
    $filter.children('h4').text(names.length ? names.join(', ') : '\u00a0');
  }

  function article (place) {
    const $information = $('<div class="information">').append(
      $('<span class="max_guest">').text(count(place.max_guest, 'Guest')),
      $('<span class="number_rooms">').text(count(place.number_rooms, 'Bedroom')),
      $('<span class="number_bathrooms">').text(count(place.number_bathrooms, 'Bathroom')));
    return $('<article>').append(
      $('<div class="title_box">').append(
        $('<h2>').text(place.name),
        $('<div class="price_by_night">').text(`$${place.price_by_night}`)),
      $information,
      $('<div class="description">').text(place.description || ''));
  }

  function search () {
    if (request) {
      request.abort();
    }
    const wanted = { states: [], cities: [], amenities: [] };
    $('.filters input:checked').each((_, box) => wanted[box.dataset.kind].push(box.dataset.id));
    $('#result').text('Searching…');
    const mine = $.ajax(`${api}/places_search`, {
      method: 'POST', contentType: 'application/json', data: JSON.stringify(wanted)
    });
    request = mine;
    mine.done(function (places) {
      if (mine === request) {
        $('#result').text(count(places.length, 'place'));
        $('section.places').empty().append(places.map(article));
      }
    }).fail(function () {
      if (mine === request) {
        $('#result').text('The search failed. Try again.');
        $('section.places').empty();
      }
    });
  }

  $('.filters').on('change', 'input', function () {
    showChosen($(this).closest('.locations, .amenities'));
  });
  $('.filters > button').on('click', search);

  $.getJSON(`${api}/status`).done(function (answer) {
    if (answer.status === 'OK') {
      $('#api_status').addClass('available').attr('title', 'The API answers');
    }
  });
  // Only now has the browser put back what was chosen before, when somebody comes back to the page.
  $(window).on('pageshow', function () {
    $('.locations, .amenities').each((_, filter) => showChosen($(filter)));
    search();
  });
})();
