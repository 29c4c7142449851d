'use strict';

// The search page: what is chosen is shown at once; a search asks the API and draws its answer.
// Texts are only ever set as text.
(function () {
  const { api, pictures, places: addresses } = document.body.dataset;
  const card = document.getElementById('card').content.querySelector('article');
  const numbers = ['guests', 'rooms', 'price_min', 'price_max'];
  let request = null;

  function count (number, word) {
    return `${number.toLocaleString('en')} ${word}${number === 1 ? '' : 's'}`;
  }

  function showChosen ($filter) {
    const names = $filter.find('input:checked').map((_, box) => box.dataset.name).get();
    $filter.children('h4').text(names.join(', '));
  }

  function where (place) {
    const $city = $('.locations input[data-kind=cities]').filter((_, box) => box.value === place.city_id);
    const $state = $city.closest('ul').closest('li').find('input[data-kind=states]');
    return $city.add($state).get().reverse().map(box => box.dataset.name).join(', ');
  }

  function article (place) {
    const $card = $(card.cloneNode(true)).attr('data-id', place.id);
    const id = encodeURIComponent(place.id);
    $card.find('.picture').attr('src', `${pictures}/${id}.svg`);
    $card.find('h2 a').attr('href', `${addresses}/${id}`).text(place.name || 'A home without a name');
    $card.find('.price_by_night').text(`$${place.price_by_night}`);
    $card.find('.where').text(where(place));
    $card.find('.max_guest').text(count(place.max_guest, 'Guest'));
    $card.find('.number_rooms').text(count(place.number_rooms, 'Bedroom'));
    $card.find('.number_bathrooms').text(count(place.number_bathrooms, 'Bathroom'));
    $card.find('.description').text(place.description || '');
    return $card;
  }

  function asked () {
    const wanted = { states: [], cities: [], amenities: [] };
    $('.filters input:checked').each((_, box) => wanted[box.dataset.kind].push(box.dataset.id));
    for (const { name, value } of $('.filters').serializeArray()) {
      if (value && numbers.includes(name)) {
        wanted[name] = Number(value);
      } else if (value && (name === 'text' || name === 'sort')) {
        wanted[name] = value;
      }
    }
    return wanted;
  }

  function search () {
    if (request) {
      request.abort();
    }
    $('#result').text('Searching…');
    const mine = $.ajax(`${api}/places_search`, {
      method: 'POST', contentType: 'application/json', data: JSON.stringify(asked())
    });
    request = mine;
    mine.done(function (places) {
      if (mine === request) {
        $('#result').text(count(places.length, 'place'));
        $('.empty, .pages').remove();
        $('section.places').empty().append(places.map(article));
      }
    }).fail(function () {
      if (mine === request) {
        $('#result').text('The search failed. Try again.');
        $('section.places').empty();
      }
    });
  }

  $('.filters').on('change', '.locations input, .amenities input', function () {
    showChosen($(this).closest('.locations, .amenities'));
  }).on('submit', function (event) {
    event.preventDefault();
    search();
  });

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
