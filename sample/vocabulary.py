"""The words that the sample is made of. Every name here is made up."""
from __future__ import annotations

STATES = ("Alderland", "Brightwater", "Cascara", "Dunmore", "Eastmarch", "Fenwick", "Greyhaven", "Halcyon",
          "Iron Coast", "Juniper", "Kestrel", "Lakota Hills")
CITIES = ("Amber Falls", "Port Lindow", "Westerly", "Marrow Bay", "Old Quarry", "Silverton Cross", "Thistledown",
          "Copper Ridge", "Larkspur", "Nettleford", "Harrow Point", "Saint Odile", "Windermoor", "Clearbrook",
          "Tamsin", "Low Harbor", "Pinecrest", "Ashgrove", "Velden", "Roan Creek", "Hollybank", "Ivory Sands",
          "Quill River", "Bellweather", "Stonebridge", "Mossgate", "Fairlight", "Dovecote", "Eaglemont",
          "Sorrel Springs", "Gullhaven", "Tidewell", "Merrow", "Candleford", "Upper Linn", "Kirkby Vale")
AMENITIES = ("Wifi", "Kitchen", "Heating", "Smoke alarm", "Essentials", "Hangers", "Hot water", "Washer",
             "Air conditioning", "Free parking", "Dedicated workspace", "TV", "Coffee maker", "Dryer", "Iron",
             "First aid kit", "Fire extinguisher", "Dishwasher", "Self check-in", "Garden", "Balcony", "Bathtub",
             "Pets allowed", "Bicycles", "Board games", "Fireplace", "Barbecue", "Crib", "High chair", "Piano",
             "Lake access", "Pool", "Gym", "Hot tub", "Sauna", "Elevator", "Step-free entrance", "Sea view",
             "Charger for electric cars", "Boat")
FIRST_NAMES = ("Ada", "Ben", "Carla", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jamal", "Katia", "Liam",
               "Maya", "Noé", "Olga", "Priya", "Quentin", "Rosa", "Søren", "Tala", "Umberto", "Vera", "Wen", "Xóchitl",
               "Yara", "Zoë", "Kaʻiulani")
LAST_NAMES = ("Abara", "Björk", "Castellan", "Duvall", "Eriksen", "Fontaine", "García", "Hale", "Ito", "Jensen",
              "Kovač", "Lindqvist", "Moreau", "Novak", "Okafor", "Petrov", "Quispe", "Rossi", "Sato", "Tanaka",
              "Ulrich", "Vance", "Whitlock", "Yilmaz", "Zhang")
ADJECTIVES = ("Airy", "Quiet", "Sunny", "Snug", "Rustic", "Bright", "Restored", "Spacious", "Modern", "Charming",
              "Peaceful", "Roomy", "Simple", "Elegant", "Cheerful")
KINDS = ("loft", "cottage", "studio", "townhouse", "cabin", "apartment", "bungalow", "farmhouse", "guest room",
         "garden flat", "penthouse", "barn", "houseboat")
SETTINGS = ("by the river", "near the market", "under the oaks", "above the harbor", "in the old town",
            "with a view", "next to the park", "at the edge of the woods", "off the main street", "by the lake",
            "in the vineyard", "close to the station")
OPENINGS = ("You will have the whole place to yourselves.", "We renovated this home last spring.",
            "Built a century ago, this house has kept its floors and its stories.",
            "A calm place to come back to after a day outside.", "Everything you need is a short walk away.",
            "Wake up to birdsong and good light.", "This is our own home when we are not travelling.")
DETAILS = ("The bed is queen-sized and the mattress is new.", "The kitchen is fully equipped, down to the corkscrew.",
           "There is a desk by the window for working.", "Parking is on the street and free after six.",
           "The bathroom has a rain shower.", "Coffee, tea and oil are there when you arrive.",
           "The sofa in the living room folds out for two more.", "Check-in is by a key box at the side door.",
           "The neighbours are friendly; please keep it down after ten.", "Trails begin right behind the house.",
           "The bakery on the corner opens at seven.", "Towels and sheets are included.")
REVIEWS = ("Spotless, quiet, and just as described.", "The host answered within minutes.", "We would come back.",
           "The beds were comfortable.", "A little hard to find in the dark, but worth it.",
           "Great location, walking distance to everything.", "The kitchen had all we needed.",
           "Our kids loved the garden.", "The heating took a while to get going.", "Good value for the price.",
           "Street noise in the morning; bring earplugs.", "The view is even better than in the pictures.",
           "Communication was easy from start to end.", "We felt at home at once.", "Perfect for a long weekend.")
