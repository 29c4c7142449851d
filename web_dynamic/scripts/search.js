'use strict';

// The search page. The server renders the first results; after that, each change of the form searches at once, the
// address reflects the search, and more results are added below. Text is only set as text, never as HTML.
(function () {
  const PAUSE = 250; // milliseconds without another change before a search starts
  const { api, pictures, places: addresses, size } = document.body.dataset;
  const PAGE = Number(size); // places per request
  const kinds = JSON.parse(document.body.dataset.kinds); // the kind of value of each field, by name
  const read = { // converts the text of a field to JSON, by kind; other kinds stay text
    whole: text => /^\d+$/.test(text) ? Number(text) : text,
    area: text => text.split(',').map(Number)
  };
  const card = document.getElementById('card').content.querySelector('article');
  const $form = $('.filters');
  const $places = $('section.places');
  let first = start();
  let drawn = ''; // the search whose results are shown
  let request = null;
  let pause = null;
  let how = 'push'; // how the pending change is added to the history
  let pressed = false; // whether the form was submitted by its button or the Enter key
  let typed = null; // the last field that text was typed into
  let shownSearch = location.search; // the query of the search that is shown
  let wasOpen = false; // whether the list of choices was open when it was pressed

  // The number of places before the page in the address.
  function start () {
    return (Number(new URLSearchParams(location.search).get('page') || 1) - 1) * PAGE;
  }

  function count (number, word) {
    return `${number.toLocaleString('en')} ${word}${number === 1 ? '' : 's'}`;
  }

  function template (id) {
    return $(document.getElementById(id).content.firstElementChild.cloneNode(true));
  }

  // Names with commas between them, each in its own text direction.
  function joined (names) {
    return names.flatMap((name, index) => [...(index ? [', '] : []), $('<bdi>', { dir: 'auto', text: name })[0]]);
  }

  // The form

  function showChosen () {
    $('.locations, .amenities').each(function () {
      const names = $(this).find('input:checked').map((_, box) => box.dataset.name).get();
      $(this).children('h4').empty().append(joined(names));
    });
  }

  function fields () {
    return $form.serializeArray().filter(each => each.value !== '');
  }

  function address (...more) {
    const query = new URLSearchParams([...fields().map(each => [each.name, each.value]), ...more]).toString();
    return query ? `${location.pathname}?${query}` : location.pathname;
  }

  function choose (query) {
    const asked = new URLSearchParams(query);
    $form.find('[name=bbox]').val(asked.get('bbox') || '');
    $form.find(':checkbox').each(function () {
      this.checked = this.value !== '' && asked.getAll(this.name).includes(this.value);
    });
    $form.find('input:not(:checkbox), select').each((_, field) => { field.value = asked.get(field.name) || ''; });
    showChosen();
  }

  function wanted () {
    const found = {};
    for (const { name, value } of fields()) {
      if (kinds[name] === 'ids') {
        (found[name] ||= []).push(value);
      } else {
        found[name] = read[kinds[name]] ? read[kinds[name]](value) : value;
      }
    }
    return found;
  }

  // Validation

  // Whether the value of a field is below the field that it must not be below.
  function isBelow (field) {
    const least = $form.find(`[name=${field.dataset.notBelow}]`).val();
    return least !== '' && field.value !== '' && Number(field.value) < Number(least);
  }

  // The names of the invalid fields, as far as the browser can tell.
  function unfit () {
    const wrong = $form.find('input').get().filter(each => !each.validity.valid);
    return (wrong.length ? wrong : $form.find('[data-not-below]').get().filter(isBelow)).map(each => each.name);
  }

  // Shows the error of these fields and hides all others. Returns whether there are errors.
  function mark (names) {
    const $said = $form.find('.wrong').prop('hidden', true);
    $form.find('[aria-invalid]').removeAttr('aria-invalid aria-describedby');
    const $wrong = $said.filter((_, each) => names.some(name => each.id === `wrong_${name}`)).prop('hidden', false);
    $wrong.each((_, each) => {
      const field = $(each).closest('.field, .within').find('[name]');
      field.attr({ 'aria-invalid': true, 'aria-describedby': each.id });
    });
    if ($wrong.length) {
      $('#result').text('Please check the marked fields.');
    }
    if (pressed) {
      $form.find('[aria-invalid]').first().trigger('focus');
    }
    return $wrong.length > 0;
  }

  // Results

  function where (place) {
    const $city = $('.locations input[data-kind=cities]').filter((_, box) => box.value === place.city_id);
    const $state = $city.closest('ul').closest('li').find('input[data-kind=states]');
    return joined([...$city.get(), ...$state.get()].map(box => box.dataset.name));
  }

  function article (place) {
    const $card = $(card.cloneNode(true)).attr('data-id', place.id);
    if (place.latitude !== null && place.longitude !== null) {
      $card.attr({ 'data-latitude': place.latitude, 'data-longitude': place.longitude });
    }
    const id = encodeURIComponent(place.id);
    const name = place.name.trim() ? place.name : 'A home without a name';
    $card.find('.picture').attr('src', `${pictures}/${id}.svg`);
    $card.find('h2 a').attr('href', `${addresses}/${id}`).text(name);
    const price = place.price_by_night;
    $card.find('.price_by_night').toggleClass('unknown', price === null)
      .text(price === null ? 'Price on request' : `$${price.toLocaleString('en')}`);
    $card.find('.where').append(where(place));
    $card.find('.max_guest').text(count(place.max_guest, 'Guest'));
    $card.find('.number_rooms').text(count(place.number_rooms, 'Bedroom'));
    $card.find('.number_bathrooms').text(count(place.number_bathrooms, 'Bathroom'));
    $card.find('.description').text(place.description || '');
    $card.find('.said a').attr({
      'href': `${addresses}/${id}#reviews`, 'aria-label': `Reviews of ${name}`
    });
    return $card;
  }

  // Shows a message where the user looks: above the results, or below them after “More places”.
  function say ($above, sentence, button, action) {
    const $said = template('said');
    $said.find('p').first().text(sentence);
    $said.find('a').text(button).on('click', function (event) {
      event.preventDefault();
      action();
    });
    $above.after($said);
  }

  function clear () {
    choose('');
    search('push');
    $form.find('input').first().trigger('focus');
  }

  // Removes messages. Returns whether the focus was in one of them.
  function unsay () {
    const $gone = $('.empty, .pages');
    const focused = $gone.find(':focus').length > 0;
    $gone.remove();
    return focused;
  }

  function answers (well) {
    $('#api_status').toggleClass('available', well).attr('title', `The API ${well ? 'responds' : 'does not respond'}`);
  }

  function draw (places, total, more) {
    const $cards = $(places.map(place => article(place)[0]));
    const lost = unsay();
    if (!more) {
      $places.empty();
    }
    $places.append($cards);
    $('#result').text(count(total, 'place'));
    $('.clear').prop('hidden', !total || !fields().length);
    if (!total) {
      say($('.tally'), 'No homes match these filters. Try removing some.', 'Clear filters', clear);
    }
    const shown = $places.children('article').length;
    if (first + shown < total) {
      const $more = template('more');
      $more.find('a').attr('href', address(['page', (first + shown) / PAGE + 1]));
      $more.find('span').text(`${(first + shown).toLocaleString('en')} of ${total.toLocaleString('en')}`);
      $places.after($more);
    }
    if (more || lost) {
      $cards.find('h2 a').add('.empty a').first().trigger('focus');
    }
    drawn = JSON.stringify(wanted());
    $places.trigger('drawn');
    // On the way back, the page shows the same number of places.
    history.replaceState({ shown }, '');
  }

  // Only the response to the last request is shown.
  function ask (limit, offset, more) {
    const before = request;
    request = null; // so that the aborted request is not reported as a failure
    if (before) {
      before.abort();
    }
    if (mark(unfit())) {
      $places.removeAttr('aria-busy');
      return;
    }
    $('#result').text('Searching…');
    $places.attr('aria-busy', 'true');
    const mine = $.ajax(`${api}/places_search`, {
      method: 'POST', contentType: 'application/json', data: JSON.stringify({ ...wanted(), limit, offset })
    });
    request = mine;
    mine.always(function () {
      if (mine === request) {
        $places.removeAttr('aria-busy');
      }
    }).done(function (places, _, answer) {
      if (mine === request && Array.isArray(places)) {
        answers(true);
        draw(places, Number(answer.getResponseHeader('X-Total-Count')), more);
      } else if (mine === request) {
        fail(answer); // the response is not from the API
      }
    }).fail(function (answer) {
      if (mine === request) {
        fail(answer);
      }
    });

    function fail ({ status, responseJSON }) {
      const lost = unsay();
      answers(status >= 400 && status < 500);
      $('#result').text('The search failed');
      const $above = more ? $places : $('.tally');
      if (status !== 400) {
        say($above, 'HBNB is not responding at the moment.', 'Try again', () => ask(limit, offset, more));
      } else if (!responseJSON || !mark([String(responseJSON.error).split(' ')[0]])) { // the field comes first
        say($above, 'This search is not valid.', 'Clear filters', clear);
      }
      if (lost) {
        $('.empty a').add($form.find('[aria-invalid]')).first().trigger('focus');
      }
    }
  }

  function search (step) {
    clearTimeout(pause);
    if (address() !== location.pathname + location.search) {
      history[`${step}State`](null, '', address());
      shownSearch = location.search;
    }
    first = 0;
    ask(PAGE, 0, false);
  }

  // Searches if no other change follows. Typing into a field adds one entry to the history, not one for each letter.
  function settle (field) {
    clearTimeout(pause);
    pressed = false;
    const again = field !== null && field === typed;
    typed = field;
    how = again ? how : 'push';
    pause = setTimeout(function () {
      const marked = $form.find('[aria-invalid]').length > 0;
      if (marked || address() !== location.pathname + location.search) {
        search(how);
        how = 'replace';
      }
    }, PAUSE);
  }

  $form.attr('novalidate', ''); // errors are shown at the fields
  $form.on('change', ':checkbox, select', function () {
    showChosen();
    settle(null);
  }).on('input', 'input:not(:checkbox)', function () {
    settle(this);
  }).on('submit', function (event) {
    event.preventDefault();
    typed = null;
    pressed = true;
    search('push');
  }).on('mousedown', 'button', function (event) {
    // Otherwise a list that closes on losing the focus would move the button away from the pointer.
    event.preventDefault();
  });

  // Escape or a press on the title closes a list of choices; a key or a press opens it again.
  $('.locations, .amenities').on('mousedown', function () {
    wasOpen = $(this).is(':focus-within:not(.closed)');
  }).on('click', function (event) {
    if (!$(event.target).closest('.popover').length) {
      $(this).toggleClass('closed', wasOpen);
    }
  }).on('keydown', function (event) {
    if (event.key === 'Escape') {
      $(this).addClass('closed').trigger('focus');
    } else if (event.target === this && ['Enter', ' ', 'ArrowDown'].includes(event.key)) {
      event.preventDefault();
      $(this).removeClass('closed');
    }
  }).on('mouseleave focusout', function (event) {
    if (!this.contains(event.relatedTarget)) {
      $(this).removeClass('closed');
    }
  });

  $('.clear').on('click', function (event) {
    event.preventDefault();
    clear();
  });

  $('main').on('click', '.pages a[rel=next]', function (event) {
    event.preventDefault();
    if (JSON.stringify(wanted()) === drawn) {
      ask(PAGE, first + $places.children('article').length, true);
    } else {
      search('push'); // the form has changed since these results
    }
  });

  $(window).on('popstate', function (event) {
    const state = event.originalEvent.state;
    if (location.search !== shownSearch) { // a change of the fragment alone is not a new search
      shownSearch = location.search;
      typed = null;
      choose(shownSearch);
      first = start();
      ask(state ? Math.max(state.shown, PAGE) : PAGE, first, false);
    }
  }).on('pageshow', function (event) {
    // The browser restores typed values only now; the address decides.
    choose(location.search);
    drawn = drawn || JSON.stringify(wanted());
    const shown = history.state ? history.state.shown : 0;
    if (!event.originalEvent.persisted && shown > $places.children('article').length) {
      ask(Math.min(shown, 1000), first, false);
    }
  });

  $.getJSON(`${api}/status`).done(answer => answers(answer.status === 'OK'));
})();
