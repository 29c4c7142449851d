'use strict';

// The reviews of a place, in a dialog above the search. Without scripts, or in another tab, the link opens the page of
// the place. Text is only set as text, never as HTML.
(function () {
  const PAGE = 10; // reviews per request
  const { api } = document.body.dataset;
  const dialog = document.getElementById('reviews');
  const item = document.getElementById('review').content.firstElementChild;
  const $title = $(dialog).find('h2');
  const $said = $(dialog).find('[role=status]');
  const $list = $(dialog).find('ul');
  const $more = $(dialog).find('.more');
  let id = '';
  let request = null;

  function review ({ user, text, created_at: time }) {
    const $item = $(item.cloneNode(true)).attr('tabindex', -1);
    const name = [user && user.first_name, user && user.last_name].filter(Boolean).join(' ');
    const day = new Date(`${time}Z`).toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' });
    $item.find('.author bdi').text(name || 'A guest');
    $item.find('time').attr('datetime', time).text(day);
    $item.find('.text').text(text);
    return $item[0];
  }

  function draw (reviews, total) {
    const $items = $(reviews.map(review));
    const more = $list.children().length > 0;
    $list.append($items);
    const word = total === 1 ? 'review' : 'reviews';
    $said.text(total ? `${total.toLocaleString('en')} ${word}` : 'There are no reviews yet.');
    if (more) {
      $items.first().trigger('focus');
    }
    $more.text('More reviews').prop('hidden', !reviews.length || $list.children().length >= total);
  }

  function ask () {
    const query = new URLSearchParams({
      sort: '-created_at', include: 'user', limit: PAGE, offset: $list.children().length
    });
    $said.text('Loading…');
    const mine = $.getJSON(`${api}/places/${encodeURIComponent(id)}/reviews?${query}`);
    request = mine;
    mine.always(function () {
      const [reviews, , answer] = arguments;
      if (mine !== request) {
        return; // the dialog shows another place now
      }
      if (mine.status < 300 && Array.isArray(reviews)) {
        draw(reviews, Number(answer.getResponseHeader('X-Total-Count')));
      } else {
        $said.text(mine.status === 404 ? 'This place no longer exists.' : 'The reviews cannot be loaded.');
        $more.text('Try again').prop('hidden', mine.status === 404);
      }
    });
  }

  $('section.places').on('click', '.said a', function (event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) {
      return;
    }
    event.preventDefault();
    const $card = $(this).closest('article');
    id = $card.attr('data-id');
    $title.text($card.find('h2').text());
    $list.empty();
    $more.prop('hidden', true);
    dialog.showModal();
    ask();
  });

  $more.on('click', ask);

  $(dialog).on('mousedown', function ({ clientX, clientY }) {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    if (clientX < left || clientX > right || clientY < top || clientY > bottom) {
      dialog.close();
    }
  });

  $(window).on('popstate', () => dialog.close()); // the search behind the dialog has changed
})();
