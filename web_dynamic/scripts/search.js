'use strict';

// The search page: the server draws the first result; from then on what is chosen is searched for at once, the
// address says what is shown, and more is added below. Texts are only ever set as text.
(function () {
  const PAUSE = 250; // milliseconds without another change before it is searched
  const { api, pictures, places: addresses, size } = document.body.dataset;
  const PAGE = Number(size); // places that are asked for at a time
  const kinds = JSON.parse(document.body.dataset.kinds); // of the values, by the names of the fields
  const read = { // the JSON of a text, by kind; of all other kinds it is the text
    whole: text => /^\d+$/.test(text) ? Number(text) : text,
    area: text => text.split(',').map(Number)
  };
  const card = document.getElementById('card').content.querySelector('article');
  const $form = $('.filters');
  const $places = $('section.places');
  let first = start();
  let drawn = ''; // what was asked for by what is shown
  let request = null;
  let pause = null;
  let how = 'push'; // what the change that is waited for does to the history
  let pressed = false; // whether the button was, or a key that does the same
  let typed = null; // the field that was typed into last
  let shownSearch = location.search; // the part of the address that says what is shown
  let wasOpen = false; // the list of choices that is pressed on

  // The number of places before those that the address shows.
  function start () {
    return (Number(new URLSearchParams(location.search).get('page') || 1) - 1) * PAGE;
  }

  function count (number, word) {
    return `${number.toLocaleString('en')} ${word}${number === 1 ? '' : 's'}`;
  }

  function template (id) {
    return $(document.getElementById(id).content.firstElementChild.cloneNode(true));
  }

  // Names that people wrote, each read in its own direction, with commas between them.
  function joined (names) {
    return names.flatMap((name, index) => [...(index ? [', '] : []), $('<bdi>', { dir: 'auto', text: name })[0]]);
  }

  // What is chosen

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

  // What cannot be searched for

  // Whether the value of a field is less than that of the field that it must reach.
  function isBelow (field) {
    const least = $form.find(`[name=${field.dataset.notBelow}]`).val();
    return least !== '' && field.value !== '' && Number(field.value) < Number(least);
  }

  // The names of such fields, as far as a browser can tell.
  function unfit () {
    const wrong = $form.find('input').get().filter(each => !each.validity.valid);
    return (wrong.length ? wrong : $form.find('[data-not-below]').get().filter(isBelow)).map(each => each.name);
  }

  // Has fields, and no others, say what is wrong with them. Returns: whether there are such fields.
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

  // What is found

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

  // Where somebody looks: above the places, or below them who asked for more.
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

  // What was said is gone. Returns: whether the focus went with it.
  function unsay () {
    const $gone = $('.empty, .pages');
    const focused = $gone.find(':focus').length > 0;
    $gone.remove();
    return focused;
  }

  function answers (well) {
    $('#api_status').toggleClass('available', well).attr('title', `The API ${well ? 'answers' : 'does not answer'}`);
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
      say($('.tally'), 'No homes match these filters. Fewer filters find more.', 'Clear filters', clear);
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
    // Who comes back finds as many.
    history.replaceState({ shown }, '');
  }

  // Only the last question is answered.
  function ask (limit, offset, more) {
    const before = request;
    request = null; // so that the end of the one before is nobody's failure
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
        fail(answer); // somebody else answered
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
        say($above, 'HBNB does not answer just now.', 'Try again', () => ask(limit, offset, more));
      } else if (!responseJSON || !mark([String(responseJSON.error).split(' ')[0]])) { // which names what is wrong
        say($above, 'This cannot be searched for.', 'Clear filters', clear);
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

  // A change is searched for when no other follows. Who types into a field adds to the history once, not each letter.
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

  $form.attr('novalidate', ''); // as what is wrong is said at the fields
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
    // A list of choices that folds, as it loses the focus, would move the button from under the pointer.
    event.preventDefault();
  });

  // A list of choices goes away by Escape and by another press on its title, and comes back by a key or a press.
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
      search('push'); // there is no more of what is no longer asked for
    }
  });

  $(window).on('popstate', function (event) {
    const state = event.originalEvent.state;
    if (location.search !== shownSearch) { // and not only another part of the same page
      shownSearch = location.search;
      typed = null;
      choose(shownSearch);
      first = start();
      ask(state ? Math.max(state.shown, PAGE) : PAGE, first, false);
    }
  }).on('pageshow', function (event) {
    // Only now has the browser put back what was typed before; but the address says what is shown.
    choose(location.search);
    drawn = drawn || JSON.stringify(wanted());
    const shown = history.state ? history.state.shown : 0;
    if (!event.originalEvent.persisted && shown > $places.children('article').length) {
      ask(Math.min(shown, 1000), first, false);
    }
  });

  $.getJSON(`${api}/status`).done(answer => answers(answer.status === 'OK'));
})();
